// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child_spec.hpp"
#include "troupe/cluster/token.hpp"
#include "troupe/detail/answer_awaitable.hpp"
#include "troupe/detail/worker_class.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/task.hpp"
#include "troupe/worker.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe::cluster {

class candidacy;
class grant;

/// How a process reacts when the grant of a singleton is over and code of the
/// worker still runs, which nobody can stop: it was abandoned. (N5)
enum class on_overrun : std::uint8_t {
  /// It says so, and ends, without destructors, with the exit code 1.
  exit_process,
  /// It writes a line to the log. Two may run then; the token tells them apart.
  report,
};

/// How a singleton is run. An aggregate for designated initializers; the order
/// of its members is part of the interface.
struct singleton_options {
  /// How its supervisor treats it, and how the worker is run. Without a
  /// `stopping_grace_period` the worker has as long as the lease leaves, but no
  /// longer than the setting says.
  child_options child = {};

  /// See there.
  cluster::on_overrun on_overrun = cluster::on_overrun::exit_process;

  /// The name of the node that it belongs to; empty: the one that the actor
  /// system has. For tests that have several nodes in one actor system.
  std::string node = {};
};

/// The result of `singleton_worker::guarded_put`.
using write_awaitable = detail::answer_awaitable<caf::error>;

/// The base of a worker of which one runs in the cluster: that of the process
/// which has the grant. Its members may be used from `on_startup()` on, not in
/// the constructor.
///
/// ~~~
/// class biller : public troupe::cluster::singleton_worker {
///   troupe::task<> run() override {
///     for (;;) {
///       const auto slept = co_await sleep_for(1s);
///       if (!slept)
///         co_return;
///       write_bill(token().number()); // refused if a higher one has written
///     }
///   }
/// };
/// ~~~
///
/// **One writer, not one that runs.** A process that was stopped for a while
/// (SIGSTOP, a machine that was asleep) wakes with an old belief, and its code
/// goes on until it is told. So whoever writes shows the token, and the
/// resource refuses one that is lower than the highest it has seen. (N6)
class singleton_worker : public worker {
public:
  /// The number of the grant: higher than that of each former holder, in this
  /// process or another one.
  [[nodiscard]] cluster::token token() const noexcept;

protected:
  /// Puts a key into the directory, as long as this worker's grant is there:
  /// the directory itself compares. The write is under way when this returns.
  ///
  /// ~~~
  /// auto putting = guarded_put("/shop/last_bill", "4711");
  /// if (auto error = co_await std::move(putting))
  ///   co_return;
  /// ~~~
  /// @param key The whole key. One of troupe's own, below `/troupe/` of the
  ///            directory's prefix, is refused.
  /// @returns nothing; `errc::cancelled`: the grant is gone, nothing was
  ///          written; `errc::timed_out`: there is no answer, and it is not
  ///          known whether it was written; `errc::invalid_argument`.
  [[nodiscard]] write_awaitable guarded_put(std::string key, std::string value);

private:
  template <std::derived_from<singleton_worker> W>
  friend class granted;

  /// Says under which grant it runs.
  void run_under(std::shared_ptr<grant> what);

  /// Whether it may begin.
  /// @throws std::runtime_error if the grant is over.
  void begin_under_grant();

  std::shared_ptr<grant> grant_;
};

/// The child of a supervisor that stands for a singleton: it waits for the
/// grant, has the worker run as its own child, and stops it in time.
class basic_singleton : public worker {
public:
  /// @param known As which it was found.
  explicit basic_singleton(std::shared_ptr<candidacy> known);

  ~basic_singleton() override;

  task<> run() final;

  task<> on_shutdown() final;

  status_fields describe() override;

protected:
  /// Starts the worker under a grant, and waits until it is ready.
  virtual task<>
  start_worker(worker_options options, std::shared_ptr<grant> under) = 0;

  /// The worker was not started, or did not become ready.
  void not_started(caf::error why) noexcept {
    start_error_ = std::move(why);
  }

private:
  /// Tells the node what became of the worker, if there was one.
  void end_of_worker();

  std::shared_ptr<candidacy> candidacy_;
  std::shared_ptr<grant> under_;
  caf::error start_error_;
};

/// Finds the node, and checks the times.
/// @throws std::invalid_argument naming the singleton and the field.
[[nodiscard]] std::shared_ptr<candidacy>
find_candidacy(caf::actor_system& sys, const std::string& name,
               const singleton_options& how);

/// Says what is wrong with a singleton, apart from its times.
[[nodiscard]] std::string check_singleton(const std::string& name,
                                          const singleton_options& how);

/// A worker of class `W` under a grant.
template <std::derived_from<singleton_worker> W>
class granted final : public W {
public:
  /// Has it run under a grant.
  template <class... Ts>
  explicit granted(std::shared_ptr<grant> under, const Ts&... xs) : W(xs...) {
    static_assert(
      requires(granted& x) { x.W::on_startup(); },
      "on_startup() of a singleton worker must not be private: it "
      "is called once the grant is there");
    this->run_under(std::move(under));
  }

  /// Begins only under its grant.
  task<> on_startup() override {
    this->begin_under_grant();
    auto starting = W::on_startup();
    co_await std::move(starting);
  }
};

/// The child that stands for a singleton of class `W`.
template <std::derived_from<singleton_worker> W, class... Ts>
class singleton_of final : public basic_singleton {
public:
  /// One whose worker gets these arguments.
  singleton_of(std::shared_ptr<candidacy> known, std::tuple<Ts...> args)
    : basic_singleton(std::move(known)), args_(std::move(args)) {
    // nop
  }

private:
  task<> start_worker(worker_options options,
                      std::shared_ptr<grant> under) override {
    auto starting = std::apply(
      [&](const Ts&... xs) {
        return this->template start<granted<W>>(std::move(options),
                                                std::move(under), xs...);
      },
      args_);
    auto started = co_await std::move(starting);
    if (!started)
      not_started(std::move(started.error()));
  }

  std::tuple<Ts...> args_;
};

/// Makes the child that stands for a singleton.
class singleton_factory : public child_factory {
public:
  /// For a singleton of that name.
  singleton_factory(std::string name, singleton_options how)
    : name_(std::move(name)), how_(std::move(how)) {
    // nop
  }

  [[nodiscard]] std::unique_ptr<worker>
  make(caf::actor_system& sys) const override {
    return make_under(find_candidacy(sys, name_, how_));
  }

  [[nodiscard]] std::shared_ptr<detail::message_queue>
  make_queue() const override {
    return nullptr;
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(basic_singleton);
  }

  [[nodiscard]] worker_options run_as(worker_options given) const override;

  [[nodiscard]] std::string check() const override {
    return check_singleton(name_, how_);
  }

protected:
  /// Makes the child that stands for it.
  [[nodiscard]] virtual std::unique_ptr<worker>
  make_under(std::shared_ptr<candidacy> known) const = 0;

private:
  std::string name_;
  singleton_options how_;
};

/// @copydoc singleton_factory
template <std::derived_from<singleton_worker> W, class... Ts>
class singleton_factory_of final : public singleton_factory {
public:
  /// For one whose worker gets these arguments.
  singleton_factory_of(std::string name, singleton_options how,
                       std::tuple<Ts...> args)
    : singleton_factory(std::move(name), std::move(how)),
      args_(std::move(args)) {
    // nop
  }

private:
  [[nodiscard]] std::unique_ptr<worker>
  make_under(std::shared_ptr<candidacy> known) const override {
    return std::make_unique<singleton_of<W, Ts...>>(std::move(known), args_);
  }

  std::tuple<Ts...> args_;
};

/// A spec for a worker of which one runs in the cluster. Each process that has
/// it in its tree is a candidate: the child is ready at once, and waits. That
/// of the process which gets the grant starts the worker, as a child of its own
/// with the same name; the others take over when that is over, its process is
/// gone, or its lease has run out. (N4)
///
/// ~~~
/// tree.add(troupe::cluster::singleton<biller>("biller"));
/// ~~~
///
/// A worker that fails fails the child that stands for it: the grant is given
/// back, and the supervisor of this process decides about the restart, which is
/// one as a candidate. A worker that returns does not run again here, unless
/// the child is `permanent`, which it is by default.
///
/// The actor system must have a `node` before the tree starts; otherwise, and
/// if the node's lease is too short for the time that the worker may take to
/// stop, the child's start fails with a text that says what to change. (N5)
/// @param name Of the child, and of the singleton in the whole cluster.
/// @param xs For the constructor of `W`: copied, and passed again for each
///           life.
template <std::derived_from<singleton_worker> W, class... Ts>
[[nodiscard]] child_spec
singleton(std::string name, singleton_options how = {}, Ts&&... xs) {
  static_assert(!std::is_final_v<W>,
                "a singleton worker is derived from to run under a grant, so "
                "its class must not be final");
  static_assert((std::copy_constructible<std::decay_t<Ts>> && ...),
                "the arguments of a singleton are kept and used again for each "
                "life, so they must be copyable");
  static_assert(std::is_abstract_v<W>
                  || std::is_constructible_v<W, const std::decay_t<Ts>&...>,
                "the worker has no constructor for these arguments, which it "
                "gets as const references; the arguments after the options go "
                "to its constructor");
  troupe::detail::check_worker_class<W>();
  using factory = singleton_factory_of<W, std::decay_t<Ts>...>;
  auto options = how.child;
  auto made = std::make_shared<factory>(name, std::move(how),
                                        std::tuple<std::decay_t<Ts>...>{
                                          std::forward<Ts>(xs)...});
  return {std::move(name), std::move(options), std::move(made)};
}

} // namespace troupe::cluster
