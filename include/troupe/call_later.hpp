// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/detail/unique_function.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <utility>

namespace troupe {

/// A call that was arranged with `call_later`. Dropping it changes nothing.
class delayed_call {
public:
  delayed_call() = default;

  /// What `call_later` makes.
  delayed_call(std::shared_ptr<void> keep, detail::clock& where,
               detail::job_ptr what) noexcept
    : keep_(std::move(keep)), clock_(&where), job_(std::move(what)) {
    // nop
  }

  /// Takes the call back.
  /// @returns whether it was still pending: `true` means that it will not be
  ///          made. Any thread.
  bool cancel() noexcept {
    return job_ && clock_->unschedule(*job_);
  }

private:
  std::shared_ptr<void> keep_;
  detail::clock* clock_ = nullptr;
  detail::job_ptr job_;
};

/// The part of `call_later` that does not depend on types.
delayed_call call_after(caf::actor_system& sys, timespan delay,
                        detail::unique_function<void()> f);

/// Calls `f` after `delay`, on a thread where it may block, never on the
/// clock's or an actor's. Not called if the actor system goes down before.
/// Thread-safe.
/// @param delay Any `std::chrono` duration.
/// @param f `void()`, movable; its exceptions are logged.
template <class Rep, class Period, class F>
delayed_call call_later(caf::actor_system& sys,
                        std::chrono::duration<Rep, Period> delay, F f) {
  return call_after(sys, to_timespan(delay),
                    detail::unique_function<void()>{std::move(f)});
}

} // namespace troupe
