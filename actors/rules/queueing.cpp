// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/queueing.hpp"

#include "rules/backoff.hpp"

#include <cmath>

namespace troupe::rules {

setback after_failure(const on_error& policy, int failures, stopping stop,
                      double u) noexcept {
  using enum setback::verdict;
  if (policy.what() == on_error::action::fail)
    return {fail};
  if (policy.what() == on_error::action::skip || failures > policy.times())
    return {skip};
  if (stop == stopping::at_once)
    return {put_off};
  if (stop == stopping::drains)
    return {retry};
  auto& x = policy.backoff();
  const restart_backoff delays{
    .initial = x.initial, .max = x.max, .factor = x.factor, .jitter = x.jitter};
  return {retry,
          backoff_delay(delays, static_cast<std::uint32_t>(failures - 1), u)};
}

std::string check(const queue_options& options) {
  auto& policy = options.on_error;
  auto& backoff = policy.backoff();
  if (options.capacity == 0)
    return "queue.capacity is zero; use 1 or more, or troupe::unbounded";
  if (options.redeliver < 0)
    return "queue.redeliver is negative; use 0 to give no message out twice";
  if (policy.times() < 0)
    return "queue.on_error.times is negative; use on_error::skip to try "
           "nothing again";
  if (backoff.initial < timespan::zero())
    return "queue.on_error.backoff.initial is negative; use zero for no delay";
  if (backoff.max < backoff.initial)
    return "queue.on_error.backoff.max is less than backoff.initial; make it "
           "at least as long as the first delay";
  if (!std::isfinite(backoff.factor) || backoff.factor < 1.0)
    return "queue.on_error.backoff.factor is not a finite number of at least "
           "1; use 1 for delays that do not grow";
  if (!(backoff.jitter >= 0.0 && backoff.jitter <= 1.0))
    return "queue.on_error.backoff.jitter is not between 0 and 1; use 0 for no "
           "jitter";
  return {};
}

} // namespace troupe::rules
