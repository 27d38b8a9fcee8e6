// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace troupe::testing {

/// Which actors are there. CAF counts them but does not know them, so each is
/// noted down when it has run for the first time.
class roster {
public:
  /// Notes that `job` has run and goes on living; ignores what is no actor.
  void alive(caf::resumable& job);

  /// Notes that `job` has come to its end.
  void gone(caf::resumable& job);

  /// Says that the actors that exist by now, up to number `last`, belong to
  /// CAF.
  void belong_to_caf(caf::actor_id last) noexcept {
    last_of_caf_ = last;
  }

  /// Returns the actors that live, other than those of CAF.
  /// @param hidden Whether to include those that an actor system does not wait
  ///               for when it goes down.
  [[nodiscard]] std::vector<caf::strong_actor_ptr> survivors(bool hidden) const;

private:
  /// Weak, so that nobody lives longer for being noted; ordered by age, so that
  /// whoever is told about them is told in the same order each time.
  std::map<caf::actor_id, caf::weak_actor_ptr> actors_;

  caf::actor_id last_of_caf_ = 0;

  /// At this size it is time to forget actors that ended without running, for a
  /// weak reference keeps their memory.
  std::size_t next_sweep_ = 64;
};

/// Returns the names of some actors, such as `fetcher#12, writer#13`.
/// @param at_most If there are more, the rest is counted only.
[[nodiscard]] std::string
names_of(const std::vector<caf::strong_actor_ptr>& actors,
         std::size_t at_most = 20);

} // namespace troupe::testing
