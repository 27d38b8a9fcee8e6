// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/child_table.hpp"

#include <utility>

namespace troupe::detail {

void child_record::add_start(call_ptr call) {
  if (!start)
    start = std::move(call);
  else
    make_plans().starts.push_back(std::move(call));
}

std::vector<child_record::call_ptr> child_record::take_more_starts() {
  if (!plans)
    return {};
  auto result = std::exchange(plans->starts, {});
  drop_empty_plans();
  return result;
}

std::vector<child_record::call_ptr> child_record::take_stops() {
  if (!plans)
    return {};
  auto result = std::exchange(plans->stops, {});
  plans->why_stopped = {};
  drop_empty_plans();
  return result;
}

void child_record::drop_empty_plans() noexcept {
  if (!plans->retry && plans->starts.empty() && plans->stops.empty())
    plans = nullptr;
}

const child_record* child_table::find(rules::child_id who) const noexcept {
  auto slot = rules::slot_of(who);
  return slot < slots_.size() && slots_[slot].id == who ? &slots_[slot]
                                                        : nullptr;
}

child_record* child_table::find(rules::child_id who) noexcept {
  return const_cast<child_record*>(std::as_const(*this).find(who));
}

const child_record* child_table::find(std::string_view name) const noexcept {
  const auto slot = names_.find(name, [this, name](std::uint32_t i) {
    return slots_[i].name() == name;
  });
  return slot != name_index::nowhere ? &slots_[slot] : nullptr;
}

child_record* child_table::find(std::string_view name) noexcept {
  return const_cast<child_record*>(std::as_const(*this).find(name));
}

child_record& child_table::add(child_record x) {
  auto slot = rules::slot_of(x.id);
  while (slots_.size() <= slot)
    slots_.emplace_back();
  auto& place = slots_[slot];
  place = std::move(x);
  names_.insert(place.name(), slot);
  return place;
}

child_record child_table::take(rules::child_id who) {
  auto& place = *find(who);
  names_.erase(place.name(), rules::slot_of(who));
  return std::exchange(place, child_record{});
}

std::vector<child_record> child_table::take_all() {
  std::vector<child_record> result;
  result.reserve(size());
  names_.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (auto& x = slots_[i]; x.id != rules::no_child)
      result.push_back(std::move(x));
  slots_ = {};
  return result;
}

} // namespace troupe::detail
