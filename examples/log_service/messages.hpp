// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/type_id.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace log_service {

/// From the receiver to a parser: "SOURCE LEVEL TEXT".
struct line {
  std::int64_t number = 0; ///< Unique in the database.
  std::string text;

  template <class Inspector>
  friend bool inspect(Inspector& f, line& x) {
    return f.object(x).fields(f.field("number", x.number),
                              f.field("text", x.text));
  }
};

/// From a parser to the writer.
struct entry {
  std::int64_t number = 0;
  std::string source;
  std::string level;
  std::string text;

  template <class Inspector>
  friend bool inspect(Inspector& f, entry& x) {
    return f.object(x).fields(f.field("number", x.number),
                              f.field("source", x.source),
                              f.field("level", x.level),
                              f.field("text", x.text));
  }
};

/// The source of a line, by which lines keep their order.
[[nodiscard]] std::string_view source_of(std::string_view line) noexcept;

/// @throws std::invalid_argument for a line of another form.
[[nodiscard]] entry parse(const line& what);

} // namespace log_service

CAF_BEGIN_TYPE_ID_BLOCK(log_service, first_custom_type_id)

  CAF_ADD_TYPE_ID(log_service, (log_service::line))
  CAF_ADD_TYPE_ID(log_service, (log_service::entry))

CAF_END_TYPE_ID_BLOCK(log_service)
