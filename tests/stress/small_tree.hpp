// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "stress/scenario.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/exit_reason.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace stress {

/// The tree `/t` of a few children `c0`, `c1`, ... that are restarted without
/// end.
class small_tree {
public:
  static constexpr std::size_t num_children = 4;

  [[nodiscard]] static std::string name_of(std::size_t child) {
    return "c" + std::to_string(child);
  }

  [[nodiscard]] static std::string path_of(std::size_t child) {
    return "/t/" + name_of(child);
  }

  /// A spec without children.
  /// @param dynamic How likely it is a dynamic one, in percent.
  [[nodiscard]] static troupe::supervisor_spec some_spec(dice& draw,
                                                         unsigned dynamic);

  /// Starts it.
  small_tree(caf::actor_system& sys, const troupe::supervisor_spec& spec,
             player& director);

  [[nodiscard]] const troupe::supervisor_ref& ref() const noexcept {
    return ref_;
  }

  [[nodiscard]] const std::vector<troupe::worker_handle>&
  children() const noexcept {
    return children_;
  }

  /// Stops it and waits for its end.
  void shutdown(player& director,
                std::optional<troupe::timespan> limit = std::nullopt);

  /// Looks whether all is accounted for.
  /// @pre its end has come
  void check(watch& eyes, player& director) const;

private:
  troupe::supervisor_ref ref_;
  std::vector<troupe::worker_handle> children_;
};

/// Sends an exit to the actor of a worker, if there is one.
void send_exit(const troupe::worker_handle& whom, caf::exit_reason why);

} // namespace stress
