// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/printable.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe_top {

// Makes a text harmless for a terminal.
using troupe::rules::printable;

/// How many columns of a terminal a text takes.
/// @param text As `printable` returns it.
[[nodiscard]] std::size_t width_of(std::string_view text);

/// Makes a text exactly that wide: what is too long ends in `~`, what is too
/// short in blanks.
[[nodiscard]] std::string fit_left(std::string_view text, std::size_t width);

/// The same with the blanks before it.
[[nodiscard]] std::string fit_right(std::string_view text, std::size_t width);

/// Cuts a text that is wider than that; it then ends in `~`.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);

/// Takes its last character off a text.
void drop_last(std::string& text);

/// A length of time in at most six characters, such as `1.5s` or `2h03m`.
[[nodiscard]] std::string render_seconds(double seconds);

/// A count in at most five characters, such as `99999`, `123k` or `4M`.
[[nodiscard]] std::string render_count(std::uint64_t count);

/// A rate in at most five characters, such as `0.5` or `120k`.
[[nodiscard]] std::string render_rate(double per_second);

} // namespace troupe_top
