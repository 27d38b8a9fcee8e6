// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/type_id.hpp>

#include <cstddef>
#include <string>

namespace summarise {

/// What is sent to the summarisers. A message in CAF can be copied, inspected
/// and has a type id.
struct article {
  /// Its place among all inputs, counted from 1.
  size_t number = 0;

  std::string title;
  std::string text;
};

template <class Inspector>
bool inspect(Inspector& f, article& x) {
  return f.object(x).fields(f.field("number", x.number),
                            f.field("title", x.title), f.field("text", x.text));
}

} // namespace summarise

CAF_BEGIN_TYPE_ID_BLOCK(summarise, first_custom_type_id)

  CAF_ADD_TYPE_ID(summarise, (summarise::article))

CAF_END_TYPE_ID_BLOCK(summarise)
