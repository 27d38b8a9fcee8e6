// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "testing/roster.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/local_actor.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduled_actor.hpp>

#include <algorithm>

namespace troupe::testing {

namespace {

caf::scheduled_actor* actor_of(caf::resumable& job) {
  if (job.subtype() != caf::resumable::scheduled_actor)
    return nullptr;
  return static_cast<caf::scheduled_actor*>(&job);
}

} // namespace

void roster::alive(caf::resumable& job) {
  auto* self = actor_of(job);
  if (self == nullptr)
    return;
  const auto added = actors_.try_emplace(self->id(), self->ctrl()).second;
  if (!added || actors_.size() < next_sweep_)
    return;
  std::erase_if(actors_, [](const auto& entry) {
    return entry.second->strong_refs.load() == 0;
  });
  next_sweep_ = std::max<std::size_t>(64, actors_.size() * 2);
}

void roster::gone(caf::resumable& job) {
  if (auto* self = actor_of(job))
    actors_.erase(self->id());
}

std::vector<caf::strong_actor_ptr> roster::survivors(bool hidden) const {
  using caf::abstract_actor;
  std::vector<caf::strong_actor_ptr> result;
  for (auto i = actors_.upper_bound(last_of_caf_); i != actors_.end(); ++i) {
    auto strong = caf::actor_cast<caf::strong_actor_ptr>(i->second);
    if (!strong)
      continue;
    const auto* self = strong->get();
    if (hidden ? !self->getf(abstract_actor::is_terminated_flag)
               : self->getf(abstract_actor::is_registered_flag))
      result.push_back(std::move(strong));
  }
  return result;
}

std::string names_of(const std::vector<caf::strong_actor_ptr>& actors,
                     std::size_t at_most) {
  std::string result;
  const auto shown = std::min(actors.size(), at_most);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0)
      result += ", ";
    // Only actors of this process are ever asked for, and those are local.
    const auto* self = static_cast<caf::local_actor*>(actors[i]->get());
    result += self->name();
    result += '#';
    result += std::to_string(self->id());
  }
  if (shown < actors.size())
    result += " and " + std::to_string(actors.size() - shown) + " more";
  return result;
}

} // namespace troupe::testing
