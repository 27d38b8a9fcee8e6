// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/words.hpp"

#include <chrono>

namespace troupe::observing {

namespace {

/// The number of whole `big` in it and, if there are any, of `small` in the
/// rest.
template <class Big, class Small>
std::string two_units(timespan x, const char* big, const char* small) {
  auto whole = std::chrono::duration_cast<Big>(x);
  auto rest = std::chrono::duration_cast<Small>(x - whole);
  auto result = std::to_string(whole.count()) + big;
  if (rest.count() != 0)
    result += ' ' + std::to_string(rest.count()) + small;
  return result;
}

} // namespace

std::string in_words(timespan x) {
  using namespace std::chrono;
  using namespace std::chrono_literals;
  if (x < 0s)
    return "0ms";
  if (x < 1s)
    return std::to_string(duration_cast<milliseconds>(x).count()) + "ms";
  if (x < 10s) {
    auto tenths = duration_cast<milliseconds>(x).count() / 100;
    auto result = std::to_string(tenths / 10);
    if (tenths % 10 != 0)
      result += '.' + std::to_string(tenths % 10);
    return result + 's';
  }
  if (x < 1min)
    return std::to_string(duration_cast<std::chrono::seconds>(x).count()) + 's';
  if (x < 1h)
    return two_units<minutes, std::chrono::seconds>(x, "min", "s");
  if (x < 24h)
    return two_units<hours, minutes>(x, "h", "min");
  return two_units<days, hours>(x, "d", "h");
}

std::string_view bare_reason(std::string_view text, std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto subject = "worker \"" + std::string{name} + "\" ("
                       + std::string{path} + ") ";
  constexpr std::string_view verb = "failed: ";
  if (text.starts_with(subject))
    text.remove_prefix(subject.size());
  if (text.starts_with(verb))
    text.remove_prefix(verb.size());
  return text;
}

} // namespace troupe::observing
