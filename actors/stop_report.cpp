// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stop_report.hpp"

#include "within.hpp"

#include <caf/deep_to_string.hpp>

#include <utility>

namespace troupe {

std::string to_string(const stop_blocker& x) {
  return x.path + " is " + to_string(x.state) + ", " + to_string(x.phase)
         + ", for " + caf::deep_to_string(x.elapsed) + " with "
         + std::to_string(x.queued) + " queued and " + std::to_string(x.holds)
         + " holds";
}

stop_blocker describe_blocker(const cell& x, time_point now) {
  auto status = x.status();
  auto since = x.stopping_since();
  return {status.path,   status.state,
          status.phase,  since == never ? timespan{0} : now - since,
          status.queued, status.holds};
}

bool was_forced(const cell& x) {
  auto how = x.last_outcome();
  return how && how->kind() == outcome_kind::forced;
}

bool is_live(const cell& x) {
  auto at = x.stage();
  return at != rules::stage::created && !rules::is_final(at);
}

std::vector<cell_ptr> inhabitants(runtime& home, std::string_view root) {
  std::vector<cell_ptr> result;
  for (auto& x : home.cells())
    if (is_live(*x) && is_within(x->path(), root))
      result.push_back(std::move(x));
  return result;
}

} // namespace troupe
