// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

// The messages by which plain CAF actors, on this node or another, deal with
// workers and supervisors. They are dealt with when they are sent, so a stop
// overtakes any backlog, and a worker that is stuck still answers. Each may be
// sent as a request; a failure comes back as an error of `errc`, with a text
// that names the worker.
//
// | to a worker         | does                  | is answered                |
// |---------------------|-----------------------|----------------------------|
// | start_atom          | starts it             | when it is ready: nothing  |
// | stop_atom           | asks it to stop       | at once: nothing           |
// | shutdown_atom       | asks it to stop       | when it is over: `outcome` |
// | status_atom         |                       | at once: `worker_status`   |
// | status_tree_atom    |                       | at once: `tree_status`     |
//
// | to a supervisor               | is answered                              |
// |-------------------------------|------------------------------------------|
// | start_child_atom, child_spec  | when the child is ready: its actor       |
// | start_child_atom, name        | when it is ready: its actor              |
// | terminate_child_atom, name    | when it is over: nothing                 |
// | restart_child_atom, name      | when it is ready: its actor              |
// | delete_child_atom, name       | nothing                                  |
// | retry_child_atom, name        | whether it backed off: bool              |
// | find_child_atom, name         | its actor, or `errc::not_found`          |
// | which_children_atom           | `child_list`                             |
// | count_children_atom           | `child_totals`                           |
//
// These are the calls of `supervisor_ref`, with its errors; a name is a
// std::string. A `child_spec` is passed within a process only.

#include "troupe/child_info.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/error.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status.hpp"
#include "troupe/tree_status.hpp"
#include "troupe/type_ids.hpp"
