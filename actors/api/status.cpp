// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/status.hpp"

#include "rules/printable.hpp"

#include <caf/deep_to_string.hpp>

namespace troupe {

[[gnu::cold]] std::string to_string(const worker_status& x) {
  if (x.state == worker_state::nobody)
    return to_string(x.state);
  auto result = x.path + ": " + to_string(x.state) + ", " + to_string(x.phase)
                + ", up " + caf::deep_to_string(x.uptime);
  if (x.queued != 0)
    result += ", " + std::to_string(x.queued) + " queued";
  if (x.holds != 0)
    result += ", " + std::to_string(x.holds) + " holds";
  if (x.health != health::healthy)
    result += ", " + to_string(x.health) + ": " + x.health_reason;
  if (x.ended)
    result += ", ended " + to_string(x.last_outcome);
  return rules::printable(result);
}

} // namespace troupe
