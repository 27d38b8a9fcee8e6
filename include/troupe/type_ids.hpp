// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/build_config.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <caf/type_id.hpp>

#include <cstdint>

namespace troupe {

enum class child_kind : std::uint8_t;
enum class errc : std::uint8_t;
enum class outcome_kind : std::uint8_t;
enum class worker_phase : std::uint8_t;
enum class worker_state : std::uint8_t;

class outcome;
struct child_list;
struct child_spec;
struct child_totals;
struct tree_status;
struct worker_status;

} // namespace troupe

// The block starts at TROUPE_TYPE_ID_BEGIN, near 10,000 unless a build says
// otherwise: CAF's table of types is dense and ids travel over the wire, so
// all nodes of a distributed program must be built with the same value.
CAF_BEGIN_TYPE_ID_BLOCK(troupe, TROUPE_TYPE_ID_BEGIN)

  CAF_ADD_TYPE_ID(troupe, (troupe::errc))
  CAF_ADD_TYPE_ID(troupe, (troupe::outcome_kind))
  CAF_ADD_TYPE_ID(troupe, (troupe::worker_state))
  CAF_ADD_TYPE_ID(troupe, (troupe::worker_phase))
  CAF_ADD_TYPE_ID(troupe, (troupe::outcome))
  CAF_ADD_TYPE_ID(troupe, (troupe::worker_status))

  CAF_ADD_ATOM(troupe, troupe, start_atom)
  CAF_ADD_ATOM(troupe, troupe, stop_atom)
  CAF_ADD_ATOM(troupe, troupe, shutdown_atom)
  CAF_ADD_ATOM(troupe, troupe, status_atom)

  CAF_ADD_TYPE_ID(troupe, (troupe::child_kind))
  CAF_ADD_TYPE_ID(troupe, (troupe::child_list))
  CAF_ADD_TYPE_ID(troupe, (troupe::child_totals))
  CAF_ADD_TYPE_ID(troupe, (troupe::child_spec))
  CAF_ADD_TYPE_ID(troupe, (troupe::tree_status))

  CAF_ADD_ATOM(troupe, troupe, status_tree_atom)

  // The calls to a supervisor stay together and in this order: whether an atom
  // is one of them is a matter of its number.
  CAF_ADD_ATOM(troupe, troupe, start_child_atom)
  CAF_ADD_ATOM(troupe, troupe, terminate_child_atom)
  CAF_ADD_ATOM(troupe, troupe, restart_child_atom)
  CAF_ADD_ATOM(troupe, troupe, delete_child_atom)
  CAF_ADD_ATOM(troupe, troupe, retry_child_atom)
  CAF_ADD_ATOM(troupe, troupe, find_child_atom)
  CAF_ADD_ATOM(troupe, troupe, which_children_atom)
  CAF_ADD_ATOM(troupe, troupe, count_children_atom)

CAF_END_TYPE_ID_BLOCK(troupe)

// How these types are printed and sent is compiled once, with the library, and
// not again in each program that has a `CAF_MAIN`.
/// @cond
extern template void caf::init_global_meta_objects<caf::id_block::troupe>();
/// @endcond
