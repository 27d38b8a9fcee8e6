// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/directory.hpp"
#include "troupe/cluster/member.hpp"
#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::cluster {

class node_board;
class node_core;

/// How a process takes part in a cluster. An aggregate for designated
/// initializers; the order of its members is part of the interface.
struct node_options {
  /// Its name in the cluster, without `/` and control characters. No other
  /// process may have it at the same time.
  std::string name = {};

  /// Its purposes, which others see.
  std::vector<std::string> roles = {};

  /// Where others may reach it; they see it. troupe itself listens nowhere.
  address listen = {};

  /// Where the members are written down. Without one a static list of this
  /// member alone.
  directory_ptr directory = {};
};

/// A node as it sees itself.
struct node_status {
  /// The name of the node.
  std::string name;

  /// The number of its session; zero: it is not a member at present.
  std::int64_t epoch = 0;

  /// For how long its lease is valid if it is not renewed; zero without one.
  timespan valid_for{0};

  /// Why it is not a member, or has no answer from the directory; empty: all is
  /// well.
  std::string trouble;
};

/// This process as a member of a cluster. While it lives, it holds a lease in
/// the directory, under which its name and its singletons are. Make it before
/// the trees that have singletons, and let it go after them:
///
/// ~~~
/// troupe::cluster::node here{sys, {
///   .name = "b",
///   .listen = {"10.0.0.2", 4711},
///   .directory = troupe::cluster::etcd({"http://10.0.0.9:2379"},
///                                      {.prefix = "/shop"})}};
/// return troupe::run(sys, shop());
/// ~~~
///
/// The constructor does not wait: a directory that is away keeps nobody from
/// starting but singletons. (N7) Thread-safe. It must not outlive the actor
/// system.
class node {
public:
  /// @throws std::invalid_argument for a wrong option, naming node and field,
  ///         or if the actor system has a node of that name.
  /// @throws std::system_error if there is no thread for the directory.
  node(caf::actor_system& sys, node_options how);

  node(const node&) = delete;

  node& operator=(const node&) = delete;

  /// Gives the lease back, when the last singleton of this process is over:
  /// others can go on at once then. Does not wait for it.
  ~node();

  // -- properties -------------------------------------------------------------

  /// How it is at this moment. Never blocks; any thread.
  [[nodiscard]] node_status status() const;

  /// The members as of the last look at the directory. (N3)
  [[nodiscard]] member_list members() const;

  /// Blocks until it is a member, for `within` at most.
  /// @returns nothing, or `errc::timed_out` with the reason: what the directory
  ///          says, or the address of the other process that has this name; or
  ///          `errc::would_block` inside a troupe actor.
  [[nodiscard]] caf::error wait_until_member(timespan within) const;

  /// @copydoc wait_until_member
  template <class Rep, class Period>
  [[nodiscard]] caf::error
  wait_until_member(std::chrono::duration<Rep, Period> within) const {
    return wait_until_member(to_timespan(within));
  }

private:
  std::shared_ptr<node_core> core_;
  std::shared_ptr<node_board> board_;
};

} // namespace troupe::cluster
