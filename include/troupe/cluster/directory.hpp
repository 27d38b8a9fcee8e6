// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/member.hpp"

#include <memory>
#include <vector>

namespace troupe::cluster {

class directory;

/// Where the members of a cluster are written down, and who holds what: made by
/// `etcd`, `static_list`, or a `memory_directory`. A value; copies share it.
using directory_ptr = std::shared_ptr<directory>;

/// A directory that is a list, fixed for the life of the process: the members
/// are known, and nobody can be the only one of a kind, since it has no leases.
/// A `singleton` below a node with such a directory does not start; the text
/// says so.
[[nodiscard]] directory_ptr static_list(std::vector<member> members = {});

} // namespace troupe::cluster
