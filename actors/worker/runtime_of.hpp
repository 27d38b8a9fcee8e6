// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/worker_core.hpp"

#include <memory>
#include <stdexcept>

namespace troupe::detail {

/// The runtime of a worker.
/// @throws std::invalid_argument if the handle points to nobody.
inline const std::shared_ptr<runtime>& runtime_of(const worker_handle& root) {
  if (!root)
    throw std::invalid_argument(text_of(null_handle()));
  return access::core_of(root)->shared_rt();
}

} // namespace troupe::detail
