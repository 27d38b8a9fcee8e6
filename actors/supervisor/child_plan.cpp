// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/child_plan.hpp"

#include "supervisor/supervisor_worker.hpp"
#include "worker/spawn.hpp"

#include <utility>

namespace troupe::detail {

child_plan plan_of(const std::shared_ptr<runtime>& rt, child_spec spec) {
  const auto rules = child_rules_of(spec.options);
  const auto options = spec.factory->run_as(std::move(spec.options.worker));
  auto config = share_config(rt, options, spec.factory->type(),
                             spec.factory->role());
  return {.name = std::move(spec.name),
          .factory = std::move(spec.factory),
          .config = std::move(config),
          .rules = rules,
          .queue = options.queue};
}

} // namespace troupe::detail
