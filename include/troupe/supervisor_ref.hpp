// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child_info.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_handle.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace troupe {

/// The result of a call to a supervisor about one child.
struct child_result {
  /// The error; default-constructed if there is none.
  caf::error error = {};

  /// The child, also with `errc::already_started` and `already_present`.
  worker_handle child = {};

  /// Whether the call went well.
  [[nodiscard]] explicit operator bool() const noexcept {
    return !error;
  }
};

/// A call to a supervisor that is under way. It goes on whether or not anybody
/// waits for it. A value; copies mean the same call.
///
/// ~~~
/// auto result = tree.terminate_child("fetcher").get(); // a plain thread
///
/// auto call = tree.terminate_child("fetcher"); // in run()
/// auto result = co_await call;
/// ~~~
class child_call {
public:
  class progress;

  /// Blocks until the call is done: for `main` and plain threads.
  /// @returns its result. Inside of a troupe actor always `errc::would_block`,
  ///          also if the call is done; it goes on. (L31) After `fork()`,
  ///          `errc::forked`.
  child_result get() const;

  /// As `get()`, but waits no longer than `timeout`.
  /// @returns the result, or `errc::timed_out`; the call goes on then.
  child_result get(timespan timeout) const;

  /// Waits for it in a coroutine of a worker. Not woken by a stop.
  class awaiter final : public detail::wait {
  public:
    explicit awaiter(std::shared_ptr<progress> what) noexcept
      : what_(std::move(what)) {
      // nop
    }

    ~awaiter();

    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) {
      begin(h.promise());
      return watch();
    }

    child_result await_resume() const;

  private:
    friend class progress;

    bool watch();

    std::shared_ptr<progress> what_;
    awaiter* next_ = nullptr;
    bool linked_ = false;
  };

  awaiter operator co_await() const {
    return awaiter{what_};
  }

private:
  friend struct detail::access;

  explicit child_call(std::shared_ptr<progress> what) noexcept
    : what_(std::move(what)) {
    // nop
  }

  [[nodiscard]] progress& get_progress() const noexcept {
    return *what_;
  }

  std::shared_ptr<progress> what_;
};

/// One child of a supervisor, as `which_children` tells.
struct child_entry {
  /// The name under which it was added.
  std::string name;
  /// The child; of a plain CAF actor too.
  worker_handle child;
  /// Its state.
  worker_state state = worker_state::init;
  /// Its phase, which is finer.
  worker_phase phase = worker_phase::created;
  /// What it is.
  child_kind kind = child_kind::worker;
  /// How many times it was started again.
  std::uint64_t restarts = 0;
};

/// Points to a supervisor. It is a worker, so all of `worker_handle` works; and
/// it has children. Thread-safe; every call is served in every state of the
/// supervisor, see docs/semantics.md, S16 to S22.
class supervisor_ref : public worker_handle {
public:
  supervisor_ref() noexcept = default;

  /// @pre `from` points to a supervisor, or to nobody.
  explicit supervisor_ref(worker_handle from) noexcept
    : worker_handle(std::move(from)) {
    // nop
  }

  using worker_handle::shutdown;

  /// Stops the whole tree within one deadline and blocks until it is over. A
  /// quarter of the time is a reserve: when nothing else is left, all who were
  /// not told to stop are told at once, and then forced. (S15)
  /// @param deadline How long it may take in all; zero forces at once. A worker
  ///                 that is forced has 100 ms to be taken apart, so a deadline
  ///                 under 1.6 s may be overdrawn by that.
  /// @returns each worker that was forced or abandoned, or that is still there.
  ///          A supervisor is named only if nobody below it is. Nobody else
  ///          runs any more. Empty as well if the supervisor was not started.
  /// @throws std::logic_error inside of a troupe actor and after `fork()`,
  ///         std::invalid_argument if the deadline is negative.
  stop_report shutdown(timespan deadline) const;

  /// Appends a child and starts it; done when it is ready. (S18)
  /// @returns errors `errc::already_started` and `already_present`, with the
  ///          child; `too_many_children`, `invalid_argument`, and why it did
  ///          not start: then its spec is not kept. And, as all four calls
  ///          about a child by name: `not_started` before the start of the
  ///          tree, `busy` when it starts, is restarted, or restarts a group,
  ///          `supervisor_stopping` from its stop on.
  child_call start_child(child_spec spec) const;

  /// Stops a child, whatever is planned for it; its spec stays unless it is
  /// temporary. (S19)
  /// @param why The reason in the event `stopping` and in the log, for example
  ///            CAF's `exit_reason::user_shutdown` with a text. A stop that is
  ///            under way keeps its own.
  /// @returns error `errc::not_found`, or that of a supervisor that has no
  ///          children at the time: `not_started` before the start of the tree,
  ///          `busy` when it is about to start or be restarted,
  ///          `supervisor_stopping` after its end.
  child_call terminate_child(const std::string& name,
                             caf::error why = {}) const;

  /// Starts a child again that is stopped; done when it is ready. (S20)
  /// @returns errors `errc::not_found`, `child_running`, `child_restarting`,
  ///          `not_started`, `busy`, `supervisor_stopping`, and why it did not
  ///          start.
  template <std::convertible_to<std::string> Name>
  child_call start_child(const Name& name) const {
    return start_stopped(name);
  }

  /// Has another life of a child begin, and is done when that is ready: a child
  /// that runs is stopped first, and its queue stays open meanwhile, so no
  /// message is lost. One that is stopped, or backs off, is started. With
  /// `one_for_all` and `rest_for_one` those are restarted as well that would be
  /// after a failure. (S33)
  /// @param why The reason of the stop, as for `terminate_child`.
  /// @returns errors `errc::not_found`, `child_running` if it is being stopped,
  ///          `child_restarting`, `invalid_argument` if it is temporary,
  ///          `not_started`, `busy`, `supervisor_stopping`, and why it is over
  ///          if it does not start again.
  child_call restart_child(const std::string& name, caf::error why = {}) const;

  /// Forgets a child that is stopped. (S21)
  /// @returns errors `errc::not_found`, `child_running`, `child_restarting`,
  ///          `not_started`, `busy`, `supervisor_stopping`.
  child_call delete_child(const std::string& name) const;

  /// Starts a child at once that backs off. (S11)
  /// @returns whether there was one.
  bool retry_now(const std::string& name) const;

  /// The child of that name, or a handle that points to nobody.
  [[nodiscard]] worker_handle child(const std::string& name) const;

  /// The same with its class.
  /// @tparam W As for `lookup`; no handle of CAF.
  /// @returns a handle that points to nobody also if it is of another class.
  template <class W>
    requires(!caf_handle<W>)
  [[nodiscard]] ref_to_t<W> child(const std::string& name) const {
    auto found = child(name);
    return found.is_of(typeid(W)) ? ref_to_t<W>{std::move(found)}
                                  : ref_to_t<W>{};
  }

  /// The same for what `supervisor_spec::add` has returned.
  template <class W>
  [[nodiscard]] ref_to_t<W> child(const child_name<W>& x) const {
    return child<W>(x.name);
  }

  /// The child whose actor that is at present, or a handle that points to
  /// nobody. O(1).
  [[nodiscard]] worker_handle child(const caf::actor& who) const;

  /// All children in the order of their start; of a `dynamic` supervisor that
  /// stops, those that it still waits for. After the end of the supervisor, its
  /// last ones, as they ended, with handles that point to nobody. O(children).
  /// (S22)
  [[nodiscard]] std::vector<child_entry> which_children() const;

  /// O(1). (S22)
  [[nodiscard]] child_totals count_children() const;

private:
  [[nodiscard]] child_call start_stopped(const std::string& name) const;
};

/// Makes a supervisor, which is started with `startup()`; its children are made
/// when it starts.
/// @throws std::invalid_argument if the spec is wrong, naming supervisor or
///         child and field. (S1)
[[nodiscard]] supervisor_ref spawn(caf::actor_system& sys,
                                   supervisor_spec spec);

} // namespace troupe
