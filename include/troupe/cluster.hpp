// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

/// All of the component `troupe::cluster`: members, and workers of which one
/// runs in the cluster.

#include "troupe/cluster/directory.hpp"
#include "troupe/cluster/etcd.hpp"
#include "troupe/cluster/member.hpp"
#include "troupe/cluster/memory_directory.hpp"
#include "troupe/cluster/node.hpp"
#include "troupe/cluster/singleton.hpp"
#include "troupe/cluster/token.hpp"
