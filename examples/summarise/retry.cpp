// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "retry.hpp"

#include <algorithm>
#include <charconv>

namespace summarise {

namespace {

bool is_passing(const failure& what) {
  switch (what.why) {
    case failure::cause::connection:
    case failure::cause::truncated:
      return true;
    case failure::cause::status:
      return what.status == 429 || what.status >= 500;
    case failure::cause::error_event:
      return what.type == "overloaded_error";
    case failure::cause::no_way:
    case failure::cause::not_understood:
    case failure::cause::no_text:
    case failure::cause::stopped:
      return false;
  }
  return false;
}

} // namespace

std::optional<std::chrono::milliseconds>
parse_retry_after(const std::string& header) {
  auto seconds = 0.0;
  const auto* end = header.data() + header.size();
  const auto [rest, error] = std::from_chars(header.data(), end, seconds,
                                             std::chars_format::fixed);
  if (error != std::errc{} || rest != end || !(seconds >= 0 && seconds < 1e9))
    return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(
    std::chrono::duration<double>{seconds});
}

decision retry_policy::decide(const failure& what, int attempt,
                              double random) const {
  using enum decision::action;
  if (what.status == 401 || what.why == failure::cause::no_way)
    return {abort};
  if (!is_passing(what) || attempt >= max_attempts)
    return {give_up};
  if (what.retry_after) {
    if (*what.retry_after > max_retry_after)
      return {give_up};
    return {retry, *what.retry_after};
  }
  auto wait = std::min(first_wait, max_wait);
  for (int i = 1; i < attempt && wait < max_wait; ++i)
    wait = std::min(2 * wait, max_wait);
  const auto part = 0.5 + 0.5 * random;
  return {retry,
          std::chrono::duration_cast<std::chrono::milliseconds>(part * wait)};
}

} // namespace summarise
