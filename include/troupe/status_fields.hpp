// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <vector>

namespace troupe {

/// One thing that a worker says about itself, see `worker::describe`.
struct status_field {
  /// What it is called.
  std::string name;
  /// What it is.
  std::string value;

  friend bool operator==(const status_field&, const status_field&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, status_field& x) {
    return f.object(x).fields(f.field("name", x.name),
                              f.field("value", x.value));
  }
};

/// The fields that a worker reports about itself, in the order to show them in.
using status_fields = std::vector<status_field>;

} // namespace troupe
