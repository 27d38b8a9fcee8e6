// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "keys.hpp"
#include "status.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace troupe_top {

/// In what order workers are shown.
enum class order : std::uint8_t { tree, queue, restarts };

[[nodiscard]] const char* to_string(order x);

/// What its user has asked to see of a status. A value: keys change it, and the
/// screen is drawn from it.
struct view {
  order by = order::tree;
  /// Only workers with that in their path are shown, and those above them;
  /// upper and lower case are the same.
  std::string filter;
  /// Whether the filter is being typed.
  bool typing = false;
  /// The paths of those whose children are not shown.
  std::set<std::string> folded;
  /// The path of the worker that keys concern.
  std::string cursor;
  /// How many workers are scrolled off the top.
  std::size_t scroll = 0;
  bool quit = false;
};

/// The workers that are shown, as indexes, in their order.
[[nodiscard]] std::vector<std::size_t> shown_workers(const status& what,
                                                     const view& how);

/// Does what a key says.
/// @param page How many workers fit on the screen.
void press(view& how, const key& what, const status& shown, std::size_t page);

/// Puts the cursor on a worker that is shown and scrolls to where it is. To be
/// called when the status or the size of the screen has changed.
void settle(view& how, const status& shown, std::size_t page);

} // namespace troupe_top
