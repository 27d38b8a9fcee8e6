// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/supervision.hpp"
#include "system/run_config.hpp"
#include "system/runtime.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/options.hpp"

#include <memory>
#include <string>

namespace troupe::detail {

/// A spec, checked and condensed on the caller's thread: small, since very many
/// can wait for their turn.
struct child_plan {
  std::string name;
  std::shared_ptr<const child_factory> factory;
  std::shared_ptr<const run_config> config;
  rules::child_rules rules;
  queue_options queue;
};

/// @pre there is nothing wrong with `spec`, see `check_child`
[[nodiscard]] child_plan plan_of(const std::shared_ptr<runtime>& rt,
                                 child_spec spec);

} // namespace troupe::detail
