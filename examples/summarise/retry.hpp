// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "failure.hpp"

#include <troupe/options.hpp>

#include <chrono>

namespace summarise {

/// A server that asks for a longer wait is not waited for.
inline constexpr auto max_retry_after = std::chrono::milliseconds{60'000};

/// What is to be done about a failure.
/// @param usual What the options of the queue say: how often it is tried again,
///              and how long the waits are. That is for what passes; and if the
///              server says how long to wait (`retry-after`), that is what is
///              done.
/// @returns `fail` where every other item would fail as well, for example
///          because the key is wrong.
troupe::on_error reaction_to(const failure& what,
                             const troupe::on_error& usual);

} // namespace summarise
