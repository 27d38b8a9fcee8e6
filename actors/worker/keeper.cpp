// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/keeper.hpp"

namespace troupe {

keeper::~keeper() = default;

brood::~brood() = default;

} // namespace troupe
