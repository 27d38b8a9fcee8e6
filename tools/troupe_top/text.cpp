// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace troupe_top {

namespace {

using troupe::rules::code_range;
using troupe::rules::continues;
using troupe::rules::first_of;
using troupe::rules::is_in;

/// Marks that sit on the character before them.
constexpr std::array<code_range, 9> combining{{
  {0x0300, 0x036f},
  {0x0483, 0x0489},
  {0x0591, 0x05bd},
  {0x064b, 0x065f},
  {0x1ab0, 0x1aff},
  {0x1dc0, 0x1dff},
  {0x20d0, 0x20f0},
  {0x302a, 0x302d},
  {0xfe20, 0xfe2f},
}};

/// Characters that take two columns.
constexpr std::array<code_range, 10> wide{{
  {0x1100, 0x115e},
  {0x2e80, 0x303e},
  {0x3041, 0x33ff},
  {0x3400, 0x4dbf},
  {0x4e00, 0xa4cf},
  {0xac00, 0xd7a3},
  {0xf900, 0xfaff},
  {0xfe30, 0xfe6f},
  {0xff00, 0xff60},
  {0x1f300, 0x1faff},
}};

std::size_t columns_of(char32_t code) {
  if (code < 0x300)
    return 1;
  return is_in(code, combining) ? 0 : is_in(code, wide) ? 2 : 1;
}

template <class... Ts>
std::string format(const char* how, Ts... xs) {
  std::array<char, 64> buffer{};
  const auto length = std::snprintf(buffer.data(), buffer.size(), how, xs...);
  return {buffer.data(), static_cast<std::size_t>(std::max(length, 0))};
}

/// How many bytes of a text fit into so many columns, and how many they take.
struct prefix {
  std::size_t bytes;
  std::size_t columns;
};

prefix fitting(std::string_view text, std::size_t width) {
  prefix result{0, 0};
  while (result.bytes < text.size()) {
    const auto next = first_of(text.substr(result.bytes));
    const auto more = next.length == 0 ? 1 : columns_of(next.code);
    if (result.columns + more > width)
      break;
    result.columns += more;
    result.bytes += std::max<std::size_t>(next.length, 1);
  }
  return result;
}

} // namespace

std::size_t width_of(std::string_view text) {
  return fitting(text, SIZE_MAX).columns;
}

std::string cut(std::string_view text, std::size_t width) {
  if (fitting(text, width).bytes == text.size())
    return std::string{text};
  if (width == 0)
    return {};
  return std::string{text.substr(0, fitting(text, width - 1).bytes)} + '~';
}

std::string fit_left(std::string_view text, std::size_t width) {
  auto result = cut(text, width);
  result.append(width - width_of(result), ' ');
  return result;
}

std::string fit_right(std::string_view text, std::size_t width) {
  const auto result = cut(text, width);
  return std::string(width - width_of(result), ' ') + result;
}

void drop_last(std::string& text) {
  while (!text.empty() && continues(text.back()))
    text.pop_back();
  if (!text.empty())
    text.pop_back();
}

std::string render_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds >= 1e9)
    return "ever";
  if (seconds < 0)
    seconds = 0;
  if (seconds < 9.95)
    return format("%.1fs", seconds);
  const auto whole = static_cast<long>(seconds);
  if (whole < 60)
    return format("%lds", whole);
  if (whole < 3600)
    return format("%ldm%02lds", whole / 60, whole % 60);
  if (whole < 24 * 3600)
    return format("%ldh%02ldm", whole / 3600, whole % 3600 / 60);
  if (whole < 100 * 24 * 3600)
    return format("%ldd%02ldh", whole / 86400, whole % 86400 / 3600);
  return format("%ldd", whole / 86400);
}

std::string render_count(std::uint64_t count) {
  constexpr std::array<const char*, 7> units{"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  while (count > (unit == 0 ? 99'999u : 9'999u)) {
    count /= 1000;
    ++unit;
  }
  return std::to_string(count) + units[unit];
}

std::string render_rate(double per_second) {
  if (!(per_second > 0))
    return "0";
  if (per_second < 99.95)
    return format("%.1f", per_second);
  return render_count(
    static_cast<std::uint64_t>(std::min(std::round(per_second), 1e18)));
}

} // namespace troupe_top
