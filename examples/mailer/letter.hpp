// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/type_id.hpp>

#include <string>

// [snippet mailer-letter]
struct letter {
  std::string to;
  std::string text;

  template <class Inspector>
  friend bool inspect(Inspector& f, letter& x) {
    return f.object(x).fields(f.field("to", x.to), f.field("text", x.text));
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(mailer, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(mailer, (letter))
CAF_END_TYPE_ID_BLOCK(mailer)
// [end]
