// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/ask.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/fits_message.hpp"
#include "troupe/detail/send_awaiter.hpp"
#include "troupe/detail/sleep.hpp"
#include "troupe/fwd.hpp"
#include "troupe/handlers.hpp"
#include "troupe/hold.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/offload.hpp"
#include "troupe/options.hpp"
#include "troupe/outcome.hpp"
#include "troupe/path.hpp"
#include "troupe/status_fields.hpp"
#include "troupe/task.hpp"
#include "troupe/time.hpp"
#include "troupe/when.hpp"
#include "troupe/worker_ref.hpp"
#include "troupe/yield.hpp"

#include <caf/actor.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

namespace detail {

class message_queue;

template <class W>
class start_awaitable;

} // namespace detail

/// The base of all workers: a class with a coroutine `run()` and a managed
/// life.
///
/// ~~~
/// class simple_worker : public troupe::worker {
/// public:
///   troupe::task<> run() override {
///     while (is_running()) {
///       std::cout << "Hello from " << name() << "\n";
///       co_await sleep_for(1s); // ends early when a stop is asked for
///     }
///   }
/// };
/// ~~~
///
/// `troupe::spawn` constructs it, on the caller's thread, and gives it an
/// actor; everything else runs on that actor, one thing at a time. The
/// constructor knows nothing of CAF. Life goes
///
///     spawn -> on_startup() -> run() -> on_shutdown() -> after_shutdown()
///
/// and is described, row by row, in docs/semantics.md.
///
/// **Awaiting.** A stop ends idle waits at once; a sleep returns `false`, once.
/// It does not interrupt a request or an offloaded call. When the grace period
/// is over, the coroutine is destroyed where it waits, so destructors run and
/// nothing is resumed.
///
/// GCC 12 destroys temporaries that own memory twice when they are made inside
/// of a `co_await` expression. So make such a value first, and await it in the
/// next statement:
///
/// ~~~
/// auto question = ask<int>(target, 1s, std::string{"how many?"});
/// auto answer = co_await std::move(question);
/// ~~~
///
/// Before 12.3 GCC also miscompiles a `co_await` in the condition of `if`,
/// `while` or `switch` where neither the condition nor a block around it
/// declares a variable: it compiles, and then hangs or crashes. Write
/// `const auto slept = co_await sleep_for(1s);` and then `if (!slept)`, or
/// `while ([[maybe_unused]] auto more = co_await sleep_for(20ms))`.
///
/// Except where it says otherwise, a member may be used only on the worker's
/// own actor: in `run()`, in hooks and in handlers.
class worker {
public:
  worker() noexcept = default;

  worker(const worker&) = delete;

  worker& operator=(const worker&) = delete;

  virtual ~worker();

  // -- what a worker does -----------------------------------------------------

  /// The work. The worker ends when it returns, and fails when it throws.
  virtual task<> run() = 0;

  /// Called before `run()`; when it throws, the start has failed and neither
  /// `run()` nor `on_shutdown()` is called.
  virtual task<> on_startup();

  /// Called exactly once if `on_startup()` succeeded: after a normal end, a
  /// failure and a force, but not after a kill. It may take the rest of the
  /// grace period, and at least `worker_options::cleanup_period`.
  virtual task<> on_shutdown();

  /// The last call on the worker, after its final state is set and before those
  /// who wait for its end are released. An exception is logged.
  virtual void after_shutdown(const outcome& how);

  /// Messages from any CAF actor that the worker answers. Called once, before
  /// `on_startup()`; served while `run()` waits.
  virtual message_handlers handlers();

  /// The fields to be shown besides the worker's status. Called only when
  /// somebody looks, see `worker_handle::status_tree`, and on the worker's own
  /// actor, so it may read all that the worker has; it should be quick. The
  /// text of an exception is shown instead.
  ///
  /// ~~~
  /// troupe::status_fields describe() override {
  ///   return {{"url", url_}, {"open files", std::to_string(files_.size())}};
  /// }
  /// ~~~
  virtual status_fields describe();

  // -- properties (any thread, from spawn on) ---------------------------------

  /// The name: given, or that of the class in snake_case. Empty before spawn.
  [[nodiscard]] std::string name() const;

  /// The names from the topmost worker down to this one: `/pipeline/fetcher`.
  [[nodiscard]] std::string path() const;

  /// Its state. Any thread.
  [[nodiscard]] worker_state state() const noexcept;

  /// Its phase, which is finer. Any thread.
  [[nodiscard]] worker_phase phase() const noexcept;

  /// Whether it was started and no stop was asked for: the condition of a loop
  /// in `run()`.
  [[nodiscard]] bool is_running() const noexcept;

  /// Whether a stop was asked for.
  [[nodiscard]] bool is_stopping() const noexcept;

protected:
  // -- waiting ----------------------------------------------------------------

  /// Sleeps; any `std::chrono` duration. Zero or less is a `yield()` that
  /// reports the stop as any sleep does, without a timer.
  /// @returns `true` if the time passed, `false` if a stop woke it: once, this
  ///          sleep or the next one. Later sleeps are ordinary.
  template <class Rep, class Period>
  [[nodiscard]] detail::sleep_awaitable
  sleep_for(std::chrono::duration<Rep, Period> length) {
    const auto rest = to_timespan(length);
    return {get_core(), rest > timespan::zero()
                          ? deadline_after(now(), rest)
                          : detail::sleep_awaiter::no_wait};
  }

  /// As `sleep_for`, until a point in time of the worker's clock, see `now()`.
  [[nodiscard]] detail::sleep_awaitable sleep_until(time_point until);

  /// Waits until a stop is asked for; returns at once if it has been.
  [[nodiscard]] detail::stop_awaitable stop_requested();

  /// Sends a request and waits for the reply, without a helper actor. Not
  /// interrupted by a stop.
  /// @tparam R What the reply holds: void, a value, or a tuple of values.
  /// @param target An actor handle of any kind, or a `worker_ref`.
  /// @param timeout How long to wait; any duration, or `infinite`.
  /// @returns a `caf::expected<R>`: the reply, the error that the target
  ///          replied, `sec::request_timeout`, or an error because the target
  ///          has ended.
  template <class R, class Handle, class Rep, class Period, class... Ts>
  [[nodiscard]] ask_awaitable<R> ask(const Handle& target,
                                     std::chrono::duration<Rep, Period> timeout,
                                     Ts&&... xs) {
    return ask_awaitable<R>{get_core(), address_of(target),
                            to_timespan(timeout),
                            detail::make_request(std::forward<Ts>(xs)...)};
  }

  /// Sends a message to the queue of another worker, and waits for room if
  /// there is none, whatever its `overflow` says: that is for those who do not
  /// wait. Not woken by a stop. (A12)
  ///
  /// ~~~
  /// auto sending = send_to(writer_, std::move(line));
  /// if (auto error = co_await std::move(sending))
  ///   co_return; // the writer takes no more
  /// ~~~
  /// @returns a `caf::error`: none, or `errc::queue_closed`, or
  ///          `errc::invalid_argument` for a handle that points to no worker.
  template <consumes_messages W, class T = typename W::message_type>
    requires std::convertible_to<T, typename W::message_type>
  [[nodiscard]] detail::send_awaitable
  send_to(const worker_ref<W>& target, T&& x) {
    detail::access::check_message_type<W>();
    using queue_type = detail::typed_queue<typename W::message_type>;
    return {get_core(), target,
            std::make_unique<typename queue_type::typed_node>(
              std::forward<T>(x))};
  }

  /// As above, to one of the workers of a pool: it waits for room if there is
  /// none with any of them that may get it.
  template <class W, class T = typename message_of<W>::type>
    requires std::convertible_to<T, typename message_of<W>::type>
  [[nodiscard]] detail::send_awaitable
  send_to(const pool_ref<W>& target, T&& x) {
    return {get_core(), target,
            detail::access::make_node(target, std::forward<T>(x))};
  }

  /// Runs `f` on a thread that may block and waits for its result. If `f` takes
  /// a `std::stop_token`, a stop sets it. See `troupe::offload`.
  template <class F>
  [[nodiscard]] static auto
  offload(F&& f, thread_use how = thread_use::pooled) {
    return troupe::offload(std::forward<F>(f), how);
  }

  /// Waits for all of them, see `troupe::when_all`.
  template <class... Ts>
  [[nodiscard]] static auto when_all(Ts&&... xs) {
    return troupe::when_all(std::forward<Ts>(xs)...);
  }

  /// Waits for the first of them, see `troupe::when_any`.
  template <class... Ts>
  [[nodiscard]] static auto when_any(Ts&&... xs) {
    return troupe::when_any(std::forward<Ts>(xs)...);
  }

  /// Lets other actors run.
  [[nodiscard]] static auto yield() {
    return troupe::yield();
  }

  /// Starts a linked child and waits until it is ready: `co_await
  /// start<W>(...)`. When this worker ends, however it ends, the child is
  /// stopped and joined within the same deadline. A child that fails fails this
  /// worker, unless its options say otherwise. (L29, A9)
  /// @returns a `caf::expected<worker_ref<W>>`.
  template <std::derived_from<worker> W, class... Ts>
  [[nodiscard]] detail::start_awaitable<W>
  start(worker_options options, Ts&&... xs);

  /// @copydoc start
  template <std::derived_from<worker> W>
  [[nodiscard]] detail::start_awaitable<W> start();

  // -- lifecycle --------------------------------------------------------------

  /// Says that the worker is ready, if its options say `explicit_ready`; else
  /// without effect.
  void ready();

  /// Says that the worker is in order again: under a supervisor its backoff
  /// begins anew, as if it had been ready for `reset_after`. (S11)
  void mark_healthy();

  /// Says that the worker does its work, which is what is taken for granted
  /// until it says otherwise. Any thread.
  void healthy();

  /// Says that the worker runs, but not as it should: reported as an event, in
  /// the log, and in the status of the worker and of all above it, until it
  /// says `healthy()` or its life ends. Any thread.
  /// @param reason What is missing.
  void degraded(std::string reason);

  /// Keeps the worker from ending while the token lives, see `hold_token`.
  hold_token hold();

  /// Ends the worker from a handler, as if `run()` had returned.
  void finish();

  /// Ends the worker from a handler, as if `run()` had thrown. In
  /// `on_shutdown()`, as if that had.
  void fail(caf::error reason);

  // -- environment ------------------------------------------------------------

  /// Finds a child of a supervisor by its path: a sibling, or any other. (S31)
  /// @tparam W Its class, as its spec says; for a child that is a plain CAF
  ///           actor, the type of its handle.
  /// @param where The names from the topmost supervisor down:
  ///              `/pipeline/writer`.
  /// @returns a handle, or `errc::not_found`, or `errc::invalid_argument` if it
  ///          is of another class.
  template <class W>
  [[nodiscard]] caf::expected<ref_to_t<W>>
  lookup(const std::string& where) const {
    return troupe::lookup<W>(home_system(), where);
  }

  /// The same for a child of whatever class.
  [[nodiscard]] caf::expected<worker_handle>
  lookup(const std::string& where) const {
    return troupe::lookup(home_system(), where);
  }

  /// The time on the worker's clock, which a test may have under control.
  /// @throws std::logic_error before the worker was spawned.
  [[nodiscard]] time_point now() const;

  /// The wall clock, which a test may have under control as well.
  /// @throws std::logic_error before the worker was spawned.
  [[nodiscard]] wall_time wall_now() const;

  /// The CAF actor, for anything else CAF can do. Its behaviour is the worker's
  /// lifecycle: do not call `become()` on it, and `quit()` is a kill.
  /// @throws std::logic_error before the worker was spawned.
  [[nodiscard]] caf::event_based_actor* self() const;

  // The classes of the library that derive from it use these.

  /// The core of this worker.
  /// @throws std::logic_error before the worker was spawned.
  [[nodiscard]] detail::worker_core& get_core() const;

  /// The queue in a core that has one.
  [[nodiscard]] static detail::message_queue&
  find_queue(detail::worker_core& core);

private:
  friend struct detail::access;
  friend class detail::worker_core;

  /// Makes the queue that the worker's core is to hold, or null.
  virtual std::shared_ptr<detail::message_queue> make_queue();

  /// Gives what is left in the queue to whom it is to be handed over.
  virtual task<> hand_over_queue();

  /// The actor system that it lives in.
  [[nodiscard]] caf::actor_system& home_system() const;

  /// Gives a linked child its actor.
  [[nodiscard]] detail::worker_core* spawn_child(worker_options options,
                                                 const std::type_info& type,
                                                 std::unique_ptr<worker> what);

  template <class Handle>
  static caf::strong_actor_ptr address_of(const Handle& target) {
    if constexpr (requires { target.actor(); })
      return caf::actor_cast<caf::strong_actor_ptr>(target.actor());
    else
      return caf::actor_cast<caf::strong_actor_ptr>(target);
  }

  detail::worker_core* core_ = nullptr;
};

} // namespace troupe

#include "troupe/detail/start.hpp"
