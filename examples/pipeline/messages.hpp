// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/type_id.hpp>

#include <cstdint>
#include <string>

namespace pipeline {

/// From the reader to a parser.
struct line {
  std::string file;
  uint64_t number = 0; // in its file, counted from 1
  std::string text;

  template <class Inspector>
  friend bool inspect(Inspector& f, line& x) {
    return f.object(x).fields(f.field("file", x.file),
                              f.field("number", x.number),
                              f.field("text", x.text));
  }
};

/// From a parser to the writer: what is in a line.
struct finding {
  std::string file;
  uint64_t number = 0;
  uint64_t words = 0;
  bool to_do = false;

  template <class Inspector>
  friend bool inspect(Inspector& f, finding& x) {
    return f.object(x).fields(f.field("file", x.file),
                              f.field("number", x.number),
                              f.field("words", x.words),
                              f.field("to_do", x.to_do));
  }
};

/// No more lines come. It takes its turn behind them, through a parser to the
/// writer, so whoever gets it has seen all that was before it.
struct end_of_input {
  template <class Inspector>
  friend bool inspect(Inspector& f, end_of_input& x) {
    return f.object(x).fields();
  }
};

} // namespace pipeline

CAF_BEGIN_TYPE_ID_BLOCK(pipeline, first_custom_type_id)

  CAF_ADD_TYPE_ID(pipeline, (pipeline::line))
  CAF_ADD_TYPE_ID(pipeline, (pipeline::finding))
  CAF_ADD_TYPE_ID(pipeline, (pipeline::end_of_input))

CAF_END_TYPE_ID_BLOCK(pipeline)
