// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "messages.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace log_service {

std::string_view source_of(std::string_view line) noexcept {
  return line.substr(0, line.find(' '));
}

entry parse(const line& what) {
  constexpr std::array<std::string_view, 4> levels{"DEBUG", "INFO", "WARN",
                                                   "ERROR"};
  const std::string_view text = what.text;
  const auto source = source_of(text);
  auto rest = text.substr(std::min(source.size() + 1, text.size()));
  const auto level = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(level.size() + 1, rest.size()));
  if (source.empty() || std::ranges::find(levels, level) == levels.end())
    throw std::invalid_argument{"line " + std::to_string(what.number)
                                + " is not SOURCE LEVEL TEXT: " + what.text};
  return {what.number, std::string{source}, std::string{level},
          std::string{rest}};
}

} // namespace log_service
