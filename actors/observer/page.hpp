// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string_view>

namespace troupe::observing {

/// The page that shows a tree, from page.html.
[[nodiscard]] std::string_view page() noexcept;

} // namespace troupe::observing
