// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"
#include "troupe/schedule.hpp"
#include "troupe/time.hpp"
#include "troupe/worker.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace troupe {

/// A worker that calls a function again and again until it is stopped: at each
/// heartbeat, or at each slot of a schedule. The function may be a coroutine;
/// an exception fails the worker.
///
/// ~~~
/// auto ref = troupe::spawn<troupe::worker_function>(
///   sys, {.name = "ticker"}, [] { tick(); }, 10s);
///
/// tree.add<troupe::worker_function>(
///   "report", {}, [] { report(); },
///   troupe::cron("0 3 * * 1-5", "Europe/Berlin"));
/// ~~~
///
/// A child of a supervisor that is restarted goes on with its schedule: a
/// restart makes no call, and a call that has failed counts as made. (L38, L39)
class worker_function : public worker {
public:
  /// Calls at each heartbeat. (L38)
  /// @param f `void()` or `task<>()`.
  /// @param heartbeat How long to wait in between; any duration, not negative.
  /// @param how What the heartbeat measures, and when the first call is.
  /// @throws std::invalid_argument if `heartbeat` is negative.
  template <class F, class Rep, class Period>
    requires std::invocable<F&>
  worker_function(F f, std::chrono::duration<Rep, Period> heartbeat,
                  heartbeat_options how)
    : worker_function(std::move(f)) {
    set_heartbeat(to_timespan(heartbeat), how);
  }

  /// Calls as above.
  /// @param measured What the heartbeat measures.
  template <class F, class Rep, class Period>
    requires std::invocable<F&>
  worker_function(F f, std::chrono::duration<Rep, Period> heartbeat,
                  pace measured = pace::fixed_delay)
    : worker_function(std::move(f), heartbeat,
                      heartbeat_options{.measured = measured}) {
    // nop
  }

  /// Calls at each slot of a schedule. (L39)
  /// @param f `void()` or `task<>()`.
  /// @param when A `cron`, or a length of time: slots of the wall clock.
  /// @param missed Which calls are made for slots that have begun during a call
  ///               or between two lives.
  template <class F>
    requires std::invocable<F&>
  worker_function(F f, schedule when, missed_slots missed = missed_slots::once)
    : worker_function(std::move(f)) {
    schedule_ = std::move(when);
    missed_ = missed;
  }

  task<> run() override;

  // -- for the library --------------------------------------------------------

  /// How far the lives of a child have come. Atomic, since one that was
  /// abandoned may still run beside the next one.
  struct memory_of_lives {
    /// When the next heartbeat is.
    std::atomic<time_point> due{time_point::min()};
    /// The last slot that is done with.
    std::atomic<wall_time> slot{wall_time::min()};
  };

  /// Shares it with the lives before and after this one.
  void remember(std::shared_ptr<memory_of_lives> of_child) noexcept {
    memory_ = std::move(of_child);
  }

private:
  template <class F>
  explicit worker_function(F f) {
    if constexpr (std::is_same_v<std::invoke_result_t<F&>, task<>>)
      coroutine_ = std::move(f);
    else
      function_ = std::move(f);
  }

  class beat;

  void set_heartbeat(timespan length, heartbeat_options how);

  [[nodiscard]] task<> call();

  [[nodiscard]] task<> run_beats();

  [[nodiscard]] task<> run_slots();

  detail::unique_function<void()> function_;
  detail::unique_function<task<>()> coroutine_;
  timespan heartbeat_{0};
  heartbeat_options how_;
  std::optional<schedule> schedule_;
  missed_slots missed_ = missed_slots::once;
  std::shared_ptr<memory_of_lives> memory_;
};

} // namespace troupe
