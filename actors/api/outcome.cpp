// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/outcome.hpp"

#include "rules/printable.hpp"

#include <stdexcept>

namespace troupe {

int outcome::code() const noexcept {
  switch (kind_) {
    case outcome_kind::normal:
      return 0;
    case outcome_kind::forced:
      return 1;
    case outcome_kind::failed:
    case outcome_kind::cancelled:
      return 2;
  }
  return 2;
}

void outcome::rethrow() const {
  if (thrown_)
    std::rethrow_exception(thrown_);
  if (!ok())
    throw std::runtime_error(to_string(*this));
}

[[gnu::cold]] std::string to_string(const outcome& x) {
  auto result = to_string(x.kind());
  if (x.reason())
    result += ": " + text_of(x.reason());
  if (const auto& then = x.cleanup_error()) {
    // It may not have got that far.
    const auto ended = then == errc::forced || then == errc::abandoned;
    result += (ended ? "; and then " : "; and on_shutdown() failed: ")
              + text_of(then);
  }
  for (auto& late : x.blockers())
    result += (&late == &x.blockers().front() ? "; in the way: " : ", ")
              + late.path;
  return rules::printable(result);
}

} // namespace troupe
