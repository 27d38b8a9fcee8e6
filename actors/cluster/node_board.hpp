// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/fwd.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe::cluster {

class node_core;

/// The nodes of an actor system, by their names. Thread-safe.
class node_board {
public:
  /// The board of `sys`, which is made if there is none.
  static std::shared_ptr<node_board> of(caf::actor_system& sys);

  /// @throws std::invalid_argument if there is a node of that name.
  void enter(const std::string& name, const std::shared_ptr<node_core>& who);

  void leave(const std::string& name) noexcept;

  /// @param name Empty: there is only one.
  /// @throws std::invalid_argument if there is none, or more than one.
  [[nodiscard]] std::shared_ptr<node_core> find(const std::string& name) const;

private:
  mutable std::mutex mtx_;
  std::map<std::string, std::weak_ptr<node_core>> nodes_;
};

} // namespace troupe::cluster
