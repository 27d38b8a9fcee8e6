// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/rules.hpp"

#include "rules/backoff.hpp"
#include "rules/printable.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include <time.h>

namespace troupe::durable::rules {

namespace {

using namespace std::chrono_literals;

/// A count that has no room for more stays as it is.
int plus_one(int x) noexcept {
  return x < std::numeric_limits<int>::max() ? x + 1 : x;
}

decision failed(tries before, const limits& limit, double u) noexcept {
  const tries now{plus_one(before.failures), before.crashes};
  if (now.failures >= limit.max_failures)
    return {job_state::buried, now, {}};
  const restart_backoff how{.initial = limit.backoff.initial,
                            .max = limit.backoff.max,
                            .factor = limit.backoff.factor,
                            .jitter = limit.backoff.jitter};
  const auto n = static_cast<std::uint32_t>(std::max(before.failures, 0));
  return {job_state::waiting, now, troupe::rules::backoff_delay(how, n, u)};
}

decision crashed(tries before, const limits& limit) noexcept {
  const tries now{before.failures, plus_one(before.crashes)};
  if (now.crashes >= limit.max_crashes)
    return {job_state::buried, now, {}};
  return {job_state::waiting, now, {}};
}

/// Names a field with its value, the way in which all checks do.
template <class T>
std::string wrong(const char* field, const T& value, const char* range) {
  return std::string{field} + " is " + std::to_string(value) + "; it must be "
         + range;
}

std::string wrong_time(const char* field, timespan value, const char* range) {
  return wrong(field, value.count(), range) + " (in nanoseconds)";
}

std::string check_name(const std::string& of, std::string_view name) {
  if (name.empty())
    return "the name of a " + of + " is empty; give it one";
  if (name.size() > 200)
    return "the name of a " + of + " has " + std::to_string(name.size())
           + " bytes; it may have 200";
  if (troupe::rules::has_control(name))
    return "the name of a " + of + ", \"" + troupe::rules::printable(name)
           + "\", has a control character in it; leave that out";
  return {};
}

} // namespace

decision after(ending how, tries before, const limits& limit, timespan snooze,
               double u) noexcept {
  switch (how) {
    case ending::returned:
      return {job_state::done, before, {}};
    case ending::failed:
    case ending::uncommitted:
      return failed(before, limit, u);
    case ending::snoozed:
      return {job_state::waiting, before, std::max(snooze, timespan::zero())};
    case ending::given_up:
    case ending::unreadable:
      return {job_state::buried, before, {}};
    case ending::not_begun:
      return {job_state::waiting, before, {}};
    case ending::forced:
    case ending::crashed:
      return crashed(before, limit);
  }
  return crashed(before, limit);
}

limits limits_for(const on_error& policy, const limits& given) noexcept {
  auto result = given;
  switch (policy.what()) {
    case on_error::action::fail:
      break;
    case on_error::action::skip:
      result.max_failures = 1;
      break;
    case on_error::action::retry:
      result.max_failures = plus_one(std::max(policy.times(), 0));
      result.backoff = policy.backoff();
      break;
  }
  return result;
}

std::size_t room_for(std::size_t concurrency, std::size_t held,
                     timespan mean) noexcept {
  std::size_t ahead = 0;
  if (mean > timespan::zero()) {
    const auto each = static_cast<double>(timespan{20ms}.count())
                      / static_cast<double>(mean.count());
    const auto all = each * static_cast<double>(concurrency);
    ahead = static_cast<std::size_t>(
      std::min(std::floor(all), static_cast<double>(most_ahead)));
  }
  // Not one each time that one is over: what is claimed together is written
  // together.
  if (held > concurrency + ahead / 2)
    return 0;
  const auto wanted = concurrency + ahead;
  return wanted > held ? wanted - held : 0;
}

std::size_t claim_of(std::span<const int> crashes, bool hands_empty,
                     bool patient) noexcept {
  const auto suspect = std::find_if(crashes.begin(), crashes.end(),
                                    [](int x) { return x > 0; });
  const auto before = static_cast<std::size_t>(suspect - crashes.begin());
  if (before > 0 || suspect == crashes.end())
    return before;
  return hands_empty || !patient ? 1 : 0;
}

time_point renew_at(time_point since, timespan lease) noexcept {
  return deadline_after(since, lease / 3);
}

bool may_renew(time_point begun, timespan max_run, time_point now) noexcept {
  return begun == never || now < deadline_after(begun, max_run);
}

std::string check(const options& x) {
  if (x.concurrency < 1 || x.concurrency > 1000)
    return wrong("concurrency", x.concurrency, "from 1 to 1000");
  if (x.lease < 100ms)
    return wrong_time("lease", x.lease, "at least 100 ms");
  if (x.max_run <= timespan::zero())
    return wrong_time("max_run", x.max_run, "more than zero");
  if (x.max_failures < 1)
    return wrong("max_failures", x.max_failures, "at least 1");
  if (x.max_crashes < 1)
    return wrong("max_crashes", x.max_crashes, "at least 1");
  if (x.keep_done < timespan::zero())
    return wrong_time("keep_done", x.keep_done, "at least zero");
  if (x.backoff.initial < timespan::zero())
    return wrong_time("backoff.initial", x.backoff.initial, "at least zero");
  if (x.backoff.max < timespan::zero())
    return wrong_time("backoff.max", x.backoff.max, "at least zero");
  if (!(x.backoff.factor >= 1.0) || std::isinf(x.backoff.factor))
    return wrong("backoff.factor", x.backoff.factor, "at least 1 and finite");
  if (!(x.backoff.jitter >= 0.0 && x.backoff.jitter <= 1.0))
    return wrong("backoff.jitter", x.backoff.jitter, "from 0 to 1");
  return {};
}

std::string check(const store_options& x) {
  if (x.max_payload < 1 || x.max_payload > 500'000'000)
    return wrong("max_payload", x.max_payload, "from 1 to 500000000 bytes");
  if (x.closing_period < timespan::zero())
    return wrong_time("closing_period", x.closing_period, "at least zero");
  return {};
}

std::string check(const put_options& x) {
  if (x.priority < -100 || x.priority > 100)
    return wrong("priority", x.priority, "from -100 to 100");
  if (x.unique.size() > 1000)
    return wrong("the length of unique", x.unique.size(), "at most 1000 bytes");
  if (x.within < timespan::zero())
    return wrong_time("within", x.within, "at least zero");
  return {};
}

std::string check_queue_name(std::string_view name) {
  return check_name("queue", name);
}

std::string check_periodic_name(std::string_view name) {
  return check_name("periodic job", name);
}

std::string check(const periodic_options& x) {
  return check(put_options{.priority = x.priority});
}

std::string slot_key(std::string_view name, wall_time slot) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(slot);
  const auto count
    = static_cast<std::time_t>(seconds.time_since_epoch().count());
  tm parts{};
  ::gmtime_r(&count, &parts);
  std::array<char, 80> text{};
  std::strftime(text.data(), text.size(), "@%Y-%m-%dT%H:%M:%S", &parts);
  auto result = std::string{name} + text.data();
  if (const auto micros = (slot - seconds).count(); micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(micros));
    result += text.data();
  }
  return result + 'Z';
}

} // namespace troupe::durable::rules
