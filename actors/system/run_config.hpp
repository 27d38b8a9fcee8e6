// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/settings.hpp"
#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <memory>
#include <typeinfo>

namespace troupe::detail {

class runtime;

class worker_role;

/// How a worker is to be run, and where. Never changes, and is shared by all
/// workers that are run alike: there may be a million of them.
struct run_config {
  std::shared_ptr<runtime> rt;
  rules::periods periods;
  troupe::readiness readiness;
  troupe::on_stop on_stop;
  troupe::on_failure on_failure;
  troupe::on_hang on_hang;
  timespan watchdog;
  const std::type_info* type; ///< The class of its objects.
  const worker_role* role;    ///< Of all that are run so.

  friend bool operator==(const run_config&, const run_config&) = default;
};

} // namespace troupe::detail
