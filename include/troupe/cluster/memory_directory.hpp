// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/directory.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace troupe::cluster {

/// How a `memory_directory` behaves. An aggregate for designated initializers.
struct memory_options {
  /// The length of a node's lease: 2 s to 1 h.
  timespan ttl = std::chrono::seconds{15};

  /// How long a question takes to the directory, and its answer back.
  timespan way = std::chrono::milliseconds{1};
};

/// A directory for tests, in the memory of the process: it follows the clock of
/// an actor system, which may be a `testing::system`, and the ways to it can be
/// cut. Several nodes of one actor system can use it, each with a name of its
/// own. Thread-safe; copies share it.
///
/// ~~~
/// troupe::testing::system sys;
/// troupe::cluster::memory_directory all{sys};
/// troupe::cluster::node a{sys, {.name = "a", .directory = all.get()}};
/// troupe::cluster::node b{sys, {.name = "b", .directory = all.get()}};
/// ~~~
///
/// It must not outlive the actor system.
class memory_directory {
public:
  /// @throws std::invalid_argument for an option out of its range.
  explicit memory_directory(caf::actor_system& sys, memory_options how = {});

  /// For the options of a node.
  [[nodiscard]] directory_ptr get() const noexcept;

  /// From now on a node's questions do not arrive, and answers to it are lost.
  void cut(const std::string& node);

  /// The opposite.
  void heal(const std::string& node);

  /// Ends the lease of a node, before its time, as no directory should.
  void end_lease(const std::string& node);

  /// Deletes the key of a singleton, as an operator may.
  void delete_key(const std::string& singleton);

  /// The name of the node that has the grant of a singleton; empty if none has.
  [[nodiscard]] std::string holder(const std::string& singleton) const;

  /// The value of a key that was put by `singleton_worker::guarded_put`; empty
  /// if there is none.
  [[nodiscard]] std::string value(const std::string& key) const;

private:
  class state;
  class link;

  std::shared_ptr<state> state_;
};

} // namespace troupe::cluster
