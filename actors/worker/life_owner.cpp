// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/life_owner.hpp"

namespace troupe::detail {

life_owner::~life_owner() = default;

child_group::~child_group() = default;

} // namespace troupe::detail
