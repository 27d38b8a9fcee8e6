// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/settings.hpp"

#include "rules/naming.hpp"
#include "rules/queueing.hpp"

#include <algorithm>

namespace troupe::rules {

periods merge(const worker_options& options,
              const settings& defaults) noexcept {
  return {
    options.stopping_grace_period.value_or(defaults.stopping_grace_period),
    options.cleanup_period.value_or(defaults.cleanup_period),
    options.force_period.value_or(defaults.force_period),
    options.start_timeout,
  };
}

[[gnu::cold]] std::string check(const worker_options& options,
                                std::string_view name) {
  if (auto wrong = check_name("worker", name); !wrong.empty())
    return wrong;
  auto complaint = [name](std::string_view field, std::string_view advice) {
    std::string result = "worker \"";
    result += name;
    result += "\": ";
    result += field;
    result += " is negative; ";
    result += advice;
    return result;
  };
  constexpr timespan zero{0};
  if (options.stopping_grace_period.value_or(zero) < zero)
    return complaint("stopping_grace_period",
                     "use zero to force at once or troupe::infinite for never");
  if (options.start_timeout < zero)
    return complaint("start_timeout", "use troupe::infinite for no limit");
  if (options.cleanup_period.value_or(zero) < zero)
    return complaint("cleanup_period", "use zero for none");
  if (options.force_period.value_or(zero) < zero)
    return complaint("force_period", "use zero to abandon at once");
  if (auto wrong = check(options.queue); !wrong.empty()) {
    std::string result = "worker \"";
    result += name;
    result += "\": ";
    result += wrong;
    return result;
  }
  if (options.watchdog <= zero) {
    std::string result = "worker \"";
    result += name;
    result += "\": watchdog is not longer than zero; use troupe::infinite for "
              "none";
    return result;
  }
  if (options.on_hang == on_hang::restart && options.watchdog == infinite) {
    std::string result = "worker \"";
    result += name;
    result += "\": on_hang is restart, but there is no watchdog to notice that "
              "it hangs; set watchdog or leave on_hang out";
    return result;
  }
  return {};
}

time_point grace_deadline(time_point now, timespan grace,
                          time_point limit) noexcept {
  return std::min(deadline_after(now, grace), limit);
}

time_point cleanup_deadline(time_point now, bool stop_asked,
                            time_point grace_over, const periods& p) noexcept {
  auto least = deadline_after(now, p.cleanup);
  auto rest = stop_asked ? grace_over : deadline_after(now, p.grace);
  return std::max(least, rest);
}

} // namespace troupe::rules
