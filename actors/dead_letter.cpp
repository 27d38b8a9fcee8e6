// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/dead_letter.hpp"

namespace troupe {

std::string to_string(dead_letter_reason x) {
  switch (x) {
    case dead_letter_reason::closed:
      return "closed";
    case dead_letter_reason::rejected:
      return "rejected";
    case dead_letter_reason::dropped:
      return "dropped";
    case dead_letter_reason::discarded:
      return "discarded";
    case dead_letter_reason::failed:
      return "failed";
    case dead_letter_reason::lost:
      return "lost";
    case dead_letter_reason::abandoned:
      return "abandoned";
  }
  return "invalid";
}

} // namespace troupe
