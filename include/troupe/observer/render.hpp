// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/events.hpp"
#include "troupe/tree_status.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Renders trees for a terminal, with a line for each worker:
///
///     ● /pipeline   running, ready   up 2min 5s   1 of 3 restarts
///     ├─● writer    running, ready   up 2min 5s   3 queued
///     └─○ fetcher   stopped, backing_off   again in 1.5s   last end: failed:
///     ...
///
/// @relates tree_status
[[nodiscard]] std::string to_text(const std::vector<tree_status>& trees);

/// Renders a tree as JSON: one worker of `status.json`, schema 1, see
/// docs/observer.md. Bytes that are not UTF-8 are replaced.
/// @relates tree_status
[[nodiscard]] std::string to_json(const tree_status& x);

/// Renders trees for Graphviz.
/// @relates tree_status
[[nodiscard]] std::string to_dot(const std::vector<tree_status>& trees);

/// Renders an event as JSON, in one line, without its number: the data of an
/// event in docs/observer.md.
/// @param at When it happened, in seconds since 1970; the event itself only
///           knows it on the clock of its actor system.
/// @relates lifecycle_event
[[nodiscard]] std::string to_json(const lifecycle_event& x, double at);

} // namespace troupe
