// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <string>
#include <string_view>

namespace troupe::observing {

/// A duration as one says it: `350ms`, `1.5s`, `2min 5s`, `3h 4min`, `5d 1h`.
[[nodiscard]] std::string in_words(timespan x);

/// Why something has happened to a worker, where it is clear which one it is:
/// without `worker "name" (/path) failed: ` at its beginning.
[[nodiscard]] std::string_view bare_reason(std::string_view text,
                                           std::string_view path);

} // namespace troupe::observing
