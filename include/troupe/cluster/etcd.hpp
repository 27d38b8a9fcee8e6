// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/directory.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::cluster {

/// How etcd is used. An aggregate for designated initializers; the order of its
/// members is part of the interface.
struct etcd_options {
  /// Below which the keys of the cluster are: `/shop`. All nodes of a cluster
  /// have the same, and no two clusters. Those of troupe itself are below
  /// `/troupe/` of it.
  std::string prefix = {};

  /// How long the lease of a node is, in whole seconds from 2 s to 1 h: after
  /// so long without a word of a node, others take over. A node that cannot
  /// renew stops its singletons within nine tenths of it.
  timespan ttl = std::chrono::seconds{15};

  /// The first part of all tokens, 1 to 32767. Raise it when etcd is set up
  /// anew, for its revisions begin anew then.
  std::uint32_t generation = 1;
};

/// etcd as the directory, version 3.4 or later, over its HTTP/JSON gateway.
/// Each node has one thread for it, which never blocks others.
///
/// ~~~
/// troupe::cluster::etcd({"http://10.0.0.9:2379", "http://10.0.0.10:2379"},
///                       {.prefix = "/shop"})
/// ~~~
/// @param endpoints `http://host:port`, or `https://host:port` with a
///                  certificate that the system's authorities have signed. When
///                  one does not answer, the next one is asked.
[[nodiscard]] directory_ptr etcd(std::vector<std::string> endpoints,
                                 etcd_options how = {});

} // namespace troupe::cluster
