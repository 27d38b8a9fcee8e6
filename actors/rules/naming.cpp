// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/naming.hpp"

#include "rules/printable.hpp"

#include <algorithm>

namespace troupe::rules {

namespace {

constexpr bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}

constexpr bool is_alnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9');
}

/// Cuts off template arguments and whatever encloses the class.
std::string_view bare_name(std::string_view name) {
  // A class in an anonymous namespace or a lambda's scope has parentheses in
  // its name, so look for the last "::" outside of any bracket.
  std::size_t begin = 0;
  std::size_t end = name.size();
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto c = name[i];
    if (c == '<' || c == '(' || c == '{') {
      if (depth++ == 0 && c == '<')
        end = i;
    } else if (c == '>' || c == ')' || c == '}') {
      --depth;
    } else if (depth == 0 && c == ':' && i + 1 < name.size()
               && name[i + 1] == ':') {
      begin = i + 2;
      end = name.size();
      ++i;
    }
  }
  return end > begin ? name.substr(begin, end - begin) : name;
}

} // namespace

[[gnu::cold]] std::string snake_case(std::string_view class_name) {
  auto name = bare_name(class_name);
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto c = name[i];
    if (!is_alnum(c)) {
      if (!result.empty() && result.back() != '_')
        result += '_';
      continue;
    }
    if (!is_upper(c)) {
      result += c;
      continue;
    }
    // A word starts at a capital after a small letter, and at the last capital
    // of a run that is followed by a small letter: HTTPServer is http_server.
    auto after_small = i > 0 && is_alnum(name[i - 1]) && !is_upper(name[i - 1]);
    auto ends_run = i > 0 && is_upper(name[i - 1]) && i + 1 < name.size()
                    && is_alnum(name[i + 1]) && !is_upper(name[i + 1])
                    && !(name[i + 1] >= '0' && name[i + 1] <= '9');
    if ((after_small || ends_run) && !result.empty() && result.back() != '_')
      result += '_';
    result += static_cast<char>(c - 'A' + 'a');
  }
  while (!result.empty() && result.back() == '_')
    result.pop_back();
  return result.empty() ? std::string{"worker"} : result;
}

[[gnu::cold]] std::string with_article(std::string_view name) {
  constexpr std::string_view vowels = "aeioAEIO"; // a user, a unit
  const auto first = name.find_first_not_of("(<{");
  const auto soft = first != std::string_view::npos
                    && vowels.find(name[first]) != std::string_view::npos;
  std::string result = soft ? "an " : "a ";
  result += name;
  return result;
}

[[gnu::cold]] std::string subject(std::string_view path) {
  std::string result{"worker \""};
  result += path.substr(path.rfind('/') + 1);
  result += "\" (";
  result += path;
  result += ')';
  return result;
}

[[gnu::cold]] std::string check_name(std::string_view kind,
                                     std::string_view name) {
  std::string result;
  if (name.empty()) {
    result = with_article(kind);
    result += " has no name; set its name";
    return result;
  }
  std::string_view wrong;
  if (name.find('/') != std::string_view::npos)
    wrong = "'/', which separates the names in a path";
  else if (has_control(name))
    wrong = "control characters";
  else
    return result;
  result = kind;
  result += " \"";
  result += printable(name);
  result += "\": a name must not contain ";
  result += wrong;
  result += "; choose another one";
  return result;
}

std::string child_path(std::string_view parent, std::string_view name) {
  std::string result{parent};
  result += '/';
  result += name;
  return result;
}

} // namespace troupe::rules
