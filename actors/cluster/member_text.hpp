// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/member.hpp"

#include <string>

namespace troupe::cluster {

/// The value of a member's key: JSON, without its name and epoch, which the key
/// and its revision say.
[[nodiscard]] std::string encode_member(const member& x);

/// The reverse. What cannot be read is left out.
[[nodiscard]] member decode_member(std::string name, const std::string& text,
                                   std::int64_t epoch);

} // namespace troupe::cluster
