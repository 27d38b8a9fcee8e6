// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/periodic_jobs.hpp"

#include "durable/rules.hpp"
#include "rules/slots.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace troupe::durable {

namespace {

/// How many jobs of slots that were missed are put together: others have their
/// turn between them.
constexpr std::size_t at_a_time = 100;

} // namespace

wall_time
put_due_slots(engine& where, const periodic_entry& what,
              const std::function<void(const std::string&)>& complain) {
  const auto now = where.wall();
  const auto last = where.last_slot(what.queue, what.name);
  const auto due = troupe::rules::find_due_slots(what.when, last, now,
                                                 what.how.missed, at_a_time);
  for (const auto slot : due.slots) {
    try {
      where.put({.queue = what.queue,
                 .type = what.type,
                 .payload = what.payload,
                 .run_at = slot,
                 .priority = what.how.priority,
                 .unique = rules::slot_key(what.name, slot)});
    } catch (const refusal& e) {
      complain("a slot of the periodic job \"" + what.name + "\" in queue \""
               + what.queue + "\" has no job: " + e.what());
    }
  }
  if (last != due.last)
    where.note_slot(what.queue, what.name, due.last);
  return what.when.next(due.last);
}

void periodic_jobs::add(std::shared_ptr<const periodic_entry> x) {
  all_.push_back({std::move(x)});
}

void periodic_jobs::tidy() {
  std::erase_if(all_, [](const entry& x) { return x.what->over.load(); });
}

wall_time periodic_jobs::due() const noexcept {
  auto result = wall_time::max();
  for (const auto& x : all_)
    result = std::min(result, x.due);
  return result;
}

std::vector<std::string> periodic_jobs::put_due(
  engine& where, const std::function<void(const std::string&)>& complain) {
  std::vector<std::string> result;
  const auto now = where.wall();
  for (auto& x : all_) {
    x.then = x.due;
    if (x.due > now || x.what->over.load())
      continue;
    x.then = put_due_slots(where, *x.what, complain);
    result.push_back(x.what->queue);
  }
  return result;
}

void periodic_jobs::committed() {
  for (auto& x : all_)
    x.due = x.then;
}

} // namespace troupe::durable
