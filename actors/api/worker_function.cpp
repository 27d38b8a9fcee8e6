// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_function.hpp"

#include "rules/heartbeat.hpp"
#include "rules/slots.hpp"
#include "worker/worker_core.hpp"

#include <cstddef>
#include <stdexcept>

namespace troupe {

namespace {

/// How many slots that were missed are looked up at a time.
constexpr std::size_t slots_at_a_time = 100;

/// The wall clock may be set while a worker waits for a slot.
constexpr timespan longest_sleep = std::chrono::minutes{1};

} // namespace

/// Notes when the next call is due, whatever becomes of this one: it returns,
/// throws, is destroyed, or does not come back.
class worker_function::beat {
public:
  beat(worker_function& parent, time_point due) : parent_(parent), due_(due) {
    note();
  }

  beat(const beat&) = delete;

  beat& operator=(const beat&) = delete;

  ~beat() {
    note();
  }

private:
  void note() const {
    parent_.memory_->due = rules::next_beat(due_, parent_.now(),
                                            parent_.heartbeat_,
                                            parent_.how_.measured);
  }

  worker_function& parent_;
  time_point due_;
};

void worker_function::set_heartbeat(timespan length, heartbeat_options how) {
  if (length < timespan::zero())
    throw std::invalid_argument("worker_function: the heartbeat is negative; "
                                "use zero to call without a pause");
  heartbeat_ = length;
  how_ = how;
}

task<> worker_function::run() {
  if (!memory_)
    memory_ = std::make_shared<memory_of_lives>();
  return schedule_ ? run_slots() : run_beats();
}

task<> worker_function::call() {
  if (function_) {
    function_();
    return task<>::nothing();
  }
  return coroutine_();
}

task<> worker_function::run_beats() {
  auto planned = std::optional<time_point>{};
  // The first life of another child made of the same spec begins anew.
  if (get_core().incarnation() > 1 && memory_->due.load() != time_point::min())
    planned = memory_->due;
  auto due = rules::first_beat(now(), heartbeat_, how_.first, planned);
  if (due > now())
    co_await sleep_until(due);
  while (is_running()) {
    {
      const beat noted{*this, due};
      auto calling = call();
      co_await std::move(calling);
    }
    if (!is_running())
      break;
    due = memory_->due;
    co_await sleep_until(due);
  }
}

task<> worker_function::run_slots() {
  if (get_core().incarnation() == 1 || memory_->slot.load() == wall_time::min())
    memory_->slot = schedule_->last(wall_now());
  while (is_running()) {
    const auto wall = wall_now();
    const wall_time last = memory_->slot;
    const auto next = schedule_->next(last);
    if (next > wall) {
      timespan left = longest_sleep;
      if (next < wall + std::chrono::minutes{1})
        left = next - wall;
      co_await sleep_for(left);
      continue;
    }
    const auto due = rules::find_due_slots(*schedule_, last, wall, missed_,
                                           slots_at_a_time);
    for (const auto slot : due.slots) {
      memory_->slot = slot;
      auto calling = call();
      co_await std::move(calling);
      // Others have their turn between the calls for slots that were missed.
      co_await sleep_for(timespan::zero());
      if (!is_running())
        co_return;
    }
    memory_->slot = due.last;
  }
}

} // namespace troupe
