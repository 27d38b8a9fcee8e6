// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/child_table.hpp"

#include <utility>

namespace troupe {

void kept_child::add_start(call_ptr call) {
  if (!start)
    start = std::move(call);
  else
    make_plans().starts.push_back(std::move(call));
}

std::vector<kept_child::call_ptr> kept_child::take_more_starts() {
  if (!plans)
    return {};
  auto result = std::exchange(plans->starts, {});
  drop_empty_plans();
  return result;
}

std::vector<kept_child::call_ptr> kept_child::take_stops() {
  if (!plans)
    return {};
  auto result = std::exchange(plans->stops, {});
  drop_empty_plans();
  return result;
}

void kept_child::drop_empty_plans() noexcept {
  if (!plans->retry && plans->starts.empty() && plans->stops.empty())
    plans = nullptr;
}

const kept_child* child_table::find(rules::child_id who) const noexcept {
  auto slot = rules::slot_of(who);
  return slot < slots_.size() && slots_[slot].id == who ? &slots_[slot]
                                                        : nullptr;
}

kept_child* child_table::find(rules::child_id who) noexcept {
  return const_cast<kept_child*>(std::as_const(*this).find(who));
}

const kept_child* child_table::find(std::string_view name) const noexcept {
  const auto slot = names_.find(name, [this, name](std::uint32_t i) {
    return slots_[i].name() == name;
  });
  return slot != name_index::nowhere ? &slots_[slot] : nullptr;
}

kept_child* child_table::find(std::string_view name) noexcept {
  return const_cast<kept_child*>(std::as_const(*this).find(name));
}

kept_child& child_table::add(kept_child x) {
  auto slot = rules::slot_of(x.id);
  while (slots_.size() <= slot)
    slots_.emplace_back();
  auto& place = slots_[slot];
  place = std::move(x);
  names_.insert(place.name(), slot);
  return place;
}

kept_child child_table::take(rules::child_id who) {
  auto& place = *find(who);
  names_.erase(place.name(), rules::slot_of(who));
  return std::exchange(place, kept_child{});
}

std::vector<kept_child> child_table::take_all() {
  std::vector<kept_child> result;
  result.reserve(size());
  names_.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (auto& x = slots_[i]; x.id != rules::no_child)
      result.push_back(std::move(x));
  slots_ = {};
  return result;
}

} // namespace troupe
