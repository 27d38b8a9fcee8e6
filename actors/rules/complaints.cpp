// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/complaints.hpp"

namespace troupe::rules {

std::string unread_failure(std::string_view subject, std::string_view reason) {
  std::string result;
  if (!reason.starts_with(subject)) {
    result += subject;
    result += " failed: ";
  }
  result += reason;
  result += "; nobody has looked at how it ended: see what outcome() or "
            "wait_for_shutdown() returns, or put it under a supervisor";
  return result;
}

} // namespace troupe::rules
