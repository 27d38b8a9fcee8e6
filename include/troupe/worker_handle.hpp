// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/fwd.hpp"
#include "troupe/health.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/outcome.hpp"
#include "troupe/protocol.hpp"
#include "troupe/time.hpp"

#include <caf/actor.hpp>
#include <caf/error.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <typeinfo>

namespace troupe {

/// Waits, in a coroutine of another worker, until a worker is ready or over.
/// Not woken by a stop: use `when_any` with `stop_requested()` for that.
class lifecycle_awaiter : public detail::wait {
public:
  /// What is waited for.
  enum class what : std::uint8_t { ready, over };

  /// @param watched Whom to wait for; for null there is nothing to wait for.
  lifecycle_awaiter(detail::worker_core* watched, what awaited) noexcept;

  ~lifecycle_awaiter();

  [[nodiscard]] bool await_ready() const noexcept {
    return watched_ == nullptr;
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return watch();
  }

protected:
  /// Why the worker is not ready, or nothing if it is, or was.
  [[nodiscard]] caf::error why_not_ready() const;

  /// Its outcome, once it is over.
  [[nodiscard]] outcome how_it_ended() const;

private:
  friend class detail::waiters;

  bool watch();

  detail::worker_core* watched_; // holds a reference
  what awaited_;
  bool linked_ = false;
  lifecycle_awaiter* next_ = nullptr;
  lifecycle_awaiter* previous_ = nullptr;
};

template <lifecycle_awaiter::what Until>
class lifecycle_awaitable;

/// Points to a worker of this process, whatever its class. A cheap value, safe
/// to copy and to use from any thread, in every phase of the worker's life,
/// after its end, and after the end of its actor system.
///
/// The functions that block refuse with `errc::would_block` when they are
/// called inside a troupe actor; there, `co_await` `started()` or `stopped()`
/// instead. They, and `start()`, refuse with `errc::forked` in a process that
/// came out of `fork()` when the actor system was there. (L37)
class worker_handle {
public:
  worker_handle() noexcept = default;

  worker_handle(const worker_handle& other) noexcept;

  worker_handle(worker_handle&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)) {
    // nop
  }

  worker_handle& operator=(worker_handle other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }

  ~worker_handle();

  /// Whether it points to a worker at all.
  [[nodiscard]] explicit operator bool() const noexcept {
    return core_ != nullptr;
  }

  /// Whether both point to the same worker, in whatever life.
  friend bool operator==(const worker_handle& x,
                         const worker_handle& y) noexcept {
    return x.get_core() == y.get_core();
  }

  /// Whether it points to a worker of that very class; to any worker if that
  /// is `worker_handle`, to a supervisor if it is `supervisor_ref`.
  [[nodiscard]] bool is_of(const std::type_info& type) const noexcept;

  // -- properties (never block, never send a message) -------------------------

  /// Its state; `nobody` for a handle that points to none.
  [[nodiscard]] worker_state state() const noexcept;

  /// Its phase, which is finer.
  [[nodiscard]] worker_phase phase() const noexcept;

  /// Its name, unique among those beside it.
  [[nodiscard]] std::string name() const;

  /// Its path: `/tree/child` below a supervisor, else `/name`.
  [[nodiscard]] std::string path() const;

  /// The number of the current life, counted from 1.
  [[nodiscard]] std::uint64_t incarnation() const noexcept;

  /// How it ended, or none if it has not. When the outcome of a tree is there,
  /// its name is free for another one.
  [[nodiscard]] std::optional<troupe::outcome> outcome() const;

  /// What the functions here say, read at one moment.
  [[nodiscard]] worker_status status() const;

  /// The health that the worker reports; `status()` has the reason as well.
  [[nodiscard]] troupe::health health() const noexcept;

  /// The status of it and of all below it: the children of a supervisor, and
  /// those that a worker has started with `start<W>`. (S29)
  [[nodiscard]] tree_status status_tree() const;

  /// The same, but each worker that overrides `describe`, and each whose code
  /// runs at this moment, is asked first, all at once. Blocks until they have
  /// answered, for `patience` at most: a worker that sits in code that does not
  /// return is then shown as not answering.
  /// @throws std::logic_error inside a troupe actor, which must not block.
  [[nodiscard]] tree_status status_tree(timespan patience) const;

  /// The worker's actor, for anything that CAF can do: null once the worker has
  /// ended or its actor system is gone. For a child that is a plain CAF actor
  /// it is that actor: another one in each life, and null while there is none,
  /// for example while it backs off. (S23)
  [[nodiscard]] caf::actor actor() const;

  // -- lifecycle --------------------------------------------------------------

  /// Starts the worker and blocks until it is ready. (L4 to L8)
  /// @returns nothing, or why it is not ready: `errc::already_started`,
  ///          `errc::start_failed`, `errc::start_timeout`,
  ///          `errc::stopped_before_ready`, `errc::would_block`,
  ///          `errc::system_gone`.
  startup_result startup() const;

  /// Starts the worker and returns at once.
  /// @returns nothing, or `errc::already_started` or `errc::system_gone`.
  startup_result start() const;

  /// Asks the worker to stop, and returns at once. It is forced when its grace
  /// period is over. Without effect before the start and after the end. (L9)
  void gracefully_stop() const;

  /// As `gracefully_stop`, but lets the worker finish what is queued first; new
  /// messages are refused from now on. For a worker without a queue it is a
  /// plain stop. (Q6)
  void drain() const;

  /// Ends the worker without waiting for its grace period. (L16)
  void force_stop() const;

  /// Stops the worker and blocks until it is over, which takes its grace
  /// period, clean-up and force periods at most. Any number of threads may call
  /// it; they share one stop. (L15)
  /// @returns its outcome, or none and why: `errc::not_started`,
  ///          `errc::would_block`, `errc::system_gone`.
  awaited_outcome shutdown() const;

  /// Blocks until the worker is over, and changes nothing. (L20)
  /// @param timeout How long to wait at most.
  /// @returns its outcome, or none and why: `errc::not_started`,
  ///          `errc::timed_out`, `errc::would_block`, `errc::system_gone`.
  awaited_outcome wait_for_shutdown(timespan timeout = infinite) const;

  /// @copydoc wait_for_shutdown
  template <class Rep, class Period>
  awaited_outcome
  wait_for_shutdown(std::chrono::duration<Rep, Period> timeout) const {
    return wait_for_shutdown(to_timespan(timeout));
  }

  /// What `started` returns.
  using started_awaitable = lifecycle_awaitable<lifecycle_awaiter::what::ready>;

  /// What `stopped` returns.
  using stopped_awaitable = lifecycle_awaitable<lifecycle_awaiter::what::over>;

  /// `co_await ref.started()` waits until the worker is ready.
  /// @returns nothing, or why it is not; before the start, it waits for it.
  started_awaitable started() const;

  /// `co_await ref.stopped()` waits until the worker is over.
  /// @returns its outcome.
  stopped_awaitable stopped() const;

  // -- queue ------------------------------------------------------------------

  /// How many messages wait in its queue; zero for a worker without one.
  [[nodiscard]] std::size_t queue_size() const noexcept;

  /// Where the messages of its queue are; all zero for a worker without one.
  [[nodiscard]] queue_counts queue() const;

protected:
  friend struct detail::access;

  /// Takes over a handle's share in `adopted`.
  explicit worker_handle(detail::worker_core* adopted) noexcept
    : core_(adopted) {
    // nop
  }

  /// The core in which the worker's lives go on at present, or null.
  [[nodiscard]] detail::worker_core* get_core() const noexcept;

  /// The worker object, or null if it must not be touched: it still runs, or
  /// was abandoned.
  [[nodiscard]] worker* finished_worker() const noexcept;

  /// The queue, or null.
  [[nodiscard]] detail::message_queue* find_queue() const noexcept;

private:
  detail::worker_core* core_ = nullptr;
};

/// A wait for another worker that has not begun: see `worker_handle::started`
/// and `worker_handle::stopped`.
template <lifecycle_awaiter::what Until>
class [[nodiscard("co_await it")]] lifecycle_awaitable {
public:
  /// A wait that has not begun.
  explicit lifecycle_awaitable(worker_handle who) : who_(std::move(who)) {
    // nop
  }

  class awaiter final : public lifecycle_awaiter {
  public:
    explicit awaiter(detail::worker_core* watched)
      : lifecycle_awaiter(watched, Until) {
      // nop
    }

    auto await_resume() const {
      if constexpr (Until == what::ready)
        return why_not_ready();
      else
        return how_it_ended();
    }
  };

  awaiter operator co_await() const {
    return awaiter{detail::access::core_of(who_)};
  }

private:
  worker_handle who_;
};

} // namespace troupe
