// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "worker/cell.hpp"

namespace troupe {

/// Whether `x` is the cell of a child that is a plain CAF actor. (S23)
[[nodiscard]] bool is_adopted(const cell& x) noexcept;

} // namespace troupe
