// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/lease.hpp"
#include "cluster/session.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cluster::rules {

/// A key that somebody has put.
struct key_entry {
  std::string key;
  std::string value;
  std::int64_t made_at = 0;
  lease_id lease = 0;

  friend bool operator==(const key_entry&, const key_entry&) = default;
};

/// The keys and leases of a directory in memory: what etcd does, as a value
/// without a clock.
class lease_table {
public:
  /// The revision: grows with each change.
  [[nodiscard]] std::int64_t revision() const noexcept {
    return revision_;
  }

  /// Grants a lease.
  lease_id grant(time_point now, timespan ttl);

  /// Renews a lease.
  /// @returns `false` if there is none with that number.
  bool keep_alive(time_point now, lease_id which);

  /// Ends a lease, and deletes its keys.
  void revoke(lease_id which);

  /// Whether there is such a lease.
  [[nodiscard]] bool has(lease_id which) const;

  /// Ends the leases whose time is over.
  /// @returns whether there were any.
  bool expire(time_point now);

  /// When the next lease ends.
  [[nodiscard]] time_point due() const noexcept;

  /// Makes a key, if it is not there.
  /// @returns none if there is no such lease.
  std::optional<claim_answer> claim(const std::string& key,
                                    const std::string& value, lease_id under);

  /// Deletes a key, if it was made at that revision.
  /// @returns whether it was there.
  bool remove(const std::string& key, std::int64_t made_at);

  /// Puts a key, which belongs to no lease, if another one is there that was
  /// made at that revision.
  bool put_guarded(const std::string& key, const std::string& value,
                   const std::string& guard, std::int64_t guard_made_at);

  /// Those that begin with `prefix`, in order.
  [[nodiscard]] std::vector<key_entry> list(std::string_view prefix) const;

private:
  struct entry {
    std::string value;
    std::int64_t made_at;
    lease_id lease;
  };

  struct held_lease {
    timespan ttl;
    time_point ends;
  };

  std::int64_t revision_ = 1;
  lease_id last_lease_ = 0;
  std::map<lease_id, held_lease> leases_;
  std::map<std::string, entry, std::less<>> keys_;
};

} // namespace troupe::cluster::rules
