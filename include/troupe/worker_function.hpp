// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"
#include "troupe/time.hpp"
#include "troupe/worker.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace troupe {

/// The distance that a heartbeat measures.
enum class pace : std::uint8_t {
  /// From the end of a call to the beginning of the next.
  fixed_delay,
  /// From beginning to beginning. A call that takes too long makes the next one
  /// late; calls that were missed are left out, not made up for.
  fixed_rate,
};

/// A worker that calls a function again and again until it is stopped. The
/// function may be a coroutine; an exception fails the worker.
///
/// ~~~
/// auto ref = troupe::spawn<troupe::worker_function>(
///   sys, {.name = "ticker"}, [] { tick(); }, 10s);
/// ~~~
class worker_function : public worker {
public:
  /// @param f `void()` or `task<>()`. Called for the first time at the start.
  /// @param heartbeat How long to wait in between; any duration, not negative.
  /// @param measured What the heartbeat measures.
  /// @throws std::invalid_argument if `heartbeat` is negative.
  template <class F, class Rep, class Period>
    requires std::invocable<F&>
  worker_function(F f, std::chrono::duration<Rep, Period> heartbeat,
                  pace measured = pace::fixed_delay)
    : heartbeat_(to_timespan(heartbeat)), pace_(measured) {
    if (heartbeat_ < timespan::zero())
      throw std::invalid_argument("worker_function: the heartbeat is negative; "
                                  "use zero to call without a pause");
    if constexpr (std::is_same_v<std::invoke_result_t<F&>, task<>>)
      coroutine_ = std::move(f);
    else
      function_ = std::move(f);
  }

  task<> run() override;

private:
  detail::unique_function<void()> function_;
  detail::unique_function<task<>()> coroutine_;
  timespan heartbeat_;
  pace pace_;
};

} // namespace troupe
