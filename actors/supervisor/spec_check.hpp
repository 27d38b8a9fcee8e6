// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/supervisor_spec.hpp"

#include <string>

namespace troupe::detail {

/// Returns what is wrong with a child of `group`, apart from its name being
/// taken, or an empty string. (S1)
[[nodiscard]] std::string check_child(const supervisor_spec& group,
                                      const child_spec& x);

} // namespace troupe::detail
