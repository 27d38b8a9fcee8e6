// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rates.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace troupe_top {

std::vector<std::optional<double>> rates_between(const status& before,
                                                 const status& after) {
  std::vector<std::optional<double>> result(after.workers.size());
  const auto seconds = after.at - before.at;
  if (!(seconds > 0))
    return result;
  std::unordered_map<std::string_view, std::uint64_t> handled;
  for (const auto& x : before.workers)
    if (x.queue)
      handled.emplace(x.path, x.queue->handled);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto& x = after.workers[i];
    const auto then = handled.find(x.path);
    if (x.queue && then != handled.end() && x.queue->handled >= then->second)
      result[i] = static_cast<double>(x.queue->handled - then->second)
                  / seconds;
  }
  return result;
}

} // namespace troupe_top
