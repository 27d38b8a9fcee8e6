// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/reasons.hpp"

namespace troupe::rules {

std::string reason(std::string_view subject, std::string_view what,
                   std::string_view cause) {
  if (cause.size() > subject.size() && cause.starts_with(subject)
      && cause[subject.size()] == ' ')
    cause.remove_prefix(subject.size() + 1);
  std::string result;
  result.reserve(subject.size() + what.size() + cause.size());
  result += subject;
  result += what;
  result += cause;
  return result;
}

std::string_view first_cause(std::string_view text,
                             std::string_view subject) noexcept {
  if (!text.starts_with(subject))
    return text;
  const auto rest = text.substr(subject.size());
  for (auto what : {because::failed_to_start, because::gave_up,
                    because::gave_up_at_once, because::child_did})
    if (rest.starts_with(what))
      return rest.substr(what.size());
  return text;
}

} // namespace troupe::rules
