// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/options.hpp"

namespace troupe {

std::string to_string(on_stop x) {
  switch (x) {
    case on_stop::discard:
      return "discard";
    case on_stop::drain:
      return "drain";
    case on_stop::hand_over:
      return "hand_over";
  }
  return "invalid";
}

} // namespace troupe
