// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "status.hpp"
#include "view.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe_top {

/// How a part of a line looks.
enum class style : std::uint8_t { plain, bold, dim, good, warn, bad, reverse };

/// One line of a screen: printable texts, each in its style.
struct line {
  struct part {
    std::string text;
    style how = style::plain;
  };

  std::vector<part> parts;
};

/// A line as text alone, without blanks at its end.
[[nodiscard]] std::string to_text(const line& x);

/// A line as a terminal is to get it.
[[nodiscard]] std::string to_ansi(const line& x);

/// The size of a terminal, in characters.
struct screen_size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// All that a screen shows.
struct scene {
  /// Where the status comes from.
  std::string url;
  /// The last status that came, or null.
  const status* last = nullptr;
  /// For each of its workers, see `rates_between`; or empty.
  std::vector<std::optional<double>> rates;
  /// Why there is no newer one; empty if there is.
  std::string problem;
};

/// How many workers fit on a screen, beside what stands above and below them.
[[nodiscard]] std::size_t page_of(const scene& what, screen_size size);

/// Draws a screen: `size.rows` lines, none wider than `size.columns`.
[[nodiscard]] std::vector<line> draw(const scene& what, const view& how,
                                     screen_size size);

/// Draws all of a status, as wide and as long as it is.
[[nodiscard]] std::vector<line> draw_all(const scene& what);

} // namespace troupe_top
