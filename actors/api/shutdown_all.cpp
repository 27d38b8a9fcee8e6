// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/shutdown_all.hpp"

#include "system/runtime.hpp"
#include "worker/core_ptr.hpp"
#include "worker/let_go.hpp"
#include "worker/stop_report.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

namespace troupe {

using namespace detail;

stop_report shutdown_all_within(caf::actor_system& sys, timespan deadline) {
  if (deadline < timespan::zero())
    throw std::invalid_argument("shutdown_all: the deadline is negative; use "
                                "zero to force at once");
  auto rt = runtime::of(sys);
  if (worker_core::current() != nullptr || rt->would_block())
    throw std::logic_error("shutdown_all would block an actor's thread; call "
                           "it from main or a plain thread");
  auto& time = rt->time();
  auto begin = time.now();
  auto end = deadline_after(begin, deadline);
  // The last quarter is for those that have to be forced. Their clean-up has
  // its own time; code that does not return is abandoned before the end.
  const auto split = rules::limits_until(begin, end);
  const auto force_at = split.soft;
  auto limits = rules::forced_at(force_at);
  limits.abandon = split.abandon;
  limits.end = split.end;
  std::vector<core_ptr> started;
  for (auto& x : rt->cores())
    if (x->stage() != rules::stage::created && !x->finished())
      started.push_back(x);
  for (auto& x : started)
    x->request_stop(
      static_cast<worker_core::queue_at_stop>(x->config().on_stop), limits);
  // A worker still there when it is time to force is described as it is then,
  // or as it is at the end if not even force helps.
  std::vector<std::optional<stop_blocker>> late(started.size());
  for (std::size_t i = 0; i < started.size(); ++i)
    if (!waiters{*started[i]}.wait_until_over(time_left(force_at, time.now())))
      late[i] = describe_blocker(*started[i], time.now());
  const auto all_gone = rules::all_gone_by(limits);
  std::vector<core_ptr> in_the_way;
  for (std::size_t i = 0; i < started.size(); ++i) {
    auto& x = *started[i];
    auto& found = late[i];
    if (!waiters{x}.wait_until_over(time_left(all_gone, time.now()))
        || x.abandoned() || (!found && was_forced(x)))
      found = describe_blocker(x, time.now());
    if (found.has_value())
      in_the_way.push_back(started[i]);
  }
  stop_report result;
  auto blamed = without_bystanders(in_the_way); // in the same order
  auto next = blamed.begin();
  for (std::size_t i = 0; i < started.size() && next != blamed.end(); ++i) {
    if (started[i].get() != next->get())
      continue;
    result.push_back(std::move(*late[i]));
    ++next;
  }
  in_the_way.clear();
  blamed.clear();
  let_go(std::move(started), limits.end, result);
  for (auto& x : result)
    rt->log(compat::log_warning, "shutdown_all: " + to_string(x));
  return result;
}

} // namespace troupe
