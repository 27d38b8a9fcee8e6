// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/lease_table.hpp"

#include <algorithm>

namespace troupe::cluster::rules {

lease_id lease_table::grant(time_point now, timespan ttl) {
  leases_[++last_lease_] = {ttl, deadline_after(now, ttl)};
  return last_lease_;
}

bool lease_table::keep_alive(time_point now, lease_id which) {
  const auto found = leases_.find(which);
  if (found == leases_.end())
    return false;
  found->second.ends = deadline_after(now, found->second.ttl);
  return true;
}

void lease_table::revoke(lease_id which) {
  if (leases_.erase(which) == 0)
    return;
  const auto gone = std::erase_if(keys_, [which](const auto& x) {
    return x.second.lease == which;
  });
  if (gone > 0)
    ++revision_;
}

bool lease_table::has(lease_id which) const {
  return leases_.contains(which);
}

bool lease_table::expire(time_point now) {
  std::vector<lease_id> over;
  for (const auto& [id, x] : leases_)
    if (now >= x.ends)
      over.push_back(id);
  for (const auto id : over)
    revoke(id);
  return !over.empty();
}

time_point lease_table::due() const noexcept {
  auto result = never;
  for (const auto& [id, x] : leases_)
    result = std::min(result, x.ends);
  return result;
}

std::optional<claim_answer> lease_table::claim(const std::string& key,
                                               const std::string& value,
                                               lease_id under) {
  if (!has(under))
    return std::nullopt;
  if (!keys_.contains(key)) {
    ++revision_;
    keys_[key] = {value, revision_, under};
  }
  const auto& x = keys_[key];
  return claim_answer{revision_, x.made_at, x.lease, x.value};
}

bool lease_table::remove(const std::string& key, std::int64_t made_at) {
  const auto found = keys_.find(key);
  if (found == keys_.end() || found->second.made_at != made_at)
    return false;
  keys_.erase(found);
  ++revision_;
  return true;
}

bool lease_table::put_guarded(const std::string& key, const std::string& value,
                              const std::string& guard,
                              std::int64_t guard_made_at) {
  const auto found = keys_.find(guard);
  if (found == keys_.end() || found->second.made_at != guard_made_at)
    return false;
  ++revision_;
  auto& x = keys_.try_emplace(key, entry{{}, revision_, 0}).first->second;
  x.value = value;
  return true;
}

std::vector<key_entry> lease_table::list(std::string_view prefix) const {
  std::vector<key_entry> result;
  for (auto i = keys_.lower_bound(prefix);
       i != keys_.end() && i->first.starts_with(prefix); ++i)
    result.push_back(
      {i->first, i->second.value, i->second.made_at, i->second.lease});
  return result;
}

} // namespace troupe::cluster::rules
