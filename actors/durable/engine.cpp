// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/engine.hpp"

namespace troupe::durable {

std::vector<put_answer> engine::put_all(std::span<const new_job* const> xs) {
  std::vector<put_answer> result;
  for (const auto* x : xs) {
    try {
      result.push_back({.done = put(*x)});
    } catch (const refusal& e) {
      result.push_back({.what = outcome::refused, .done = {}, .why = e.what()});
    }
  }
  return result;
}

std::vector<outcome> engine::end_all(std::span<const job_end* const> xs) {
  std::vector<outcome> result;
  for (const auto* x : xs)
    result.push_back(end(*x) ? outcome::done : outcome::over);
  return result;
}

std::vector<bool> engine::renew_all(std::span<const renewal> xs) {
  std::vector<bool> result;
  for (const auto& x : xs)
    result.push_back(renew(x.claim, x.lease));
  return result;
}

} // namespace troupe::durable
