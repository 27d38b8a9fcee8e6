// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "retry.hpp"

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
    case failure::cause::no_reader:
      return false;
  }
  return false;
}

bool is_hopeless(const failure& what) {
  return what.status == 401 || what.why == failure::cause::no_way
         || what.why == failure::cause::no_reader;
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

troupe::on_error reaction_to(const failure& what,
                             const troupe::on_error& usual) {
  using troupe::on_error;
  if (is_hopeless(what))
    return on_error::fail;
  if (!is_passing(what))
    return on_error::skip;
  if (!what.retry_after)
    return usual;
  if (*what.retry_after > max_retry_after)
    return on_error::skip;
  return on_error::retry(usual.times(), {.initial = *what.retry_after,
                                         .max = *what.retry_after,
                                         .factor = 1.0,
                                         .jitter = 0.0});
}

} // namespace summarise
