// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/init_global_meta_objects.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What the jobs of the tests are made of.
struct letter {
  std::string to;
  std::string text;
  double weight = 0;
  std::vector<std::string> tags;
  std::vector<double> prices;
  std::map<std::string, std::int32_t> names;
  std::optional<std::string> reply;
  std::variant<std::int32_t, std::string> what;
  std::int32_t copies = 1;

  friend bool operator==(const letter&, const letter&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, letter& x) {
    using strings = std::vector<std::string>;
    using numbers = std::vector<double>;
    using names_type = std::map<std::string, std::int32_t>;
    using what_type = std::variant<std::int32_t, std::string>;
    return f.object(x).fields(f.field("to", x.to), f.field("text", x.text),
                              f.field("weight", x.weight).fallback(0.0),
                              f.field("tags", x.tags).fallback(strings{}),
                              f.field("prices", x.prices).fallback(numbers{}),
                              f.field("names", x.names).fallback(names_type{}),
                              f.field("reply", x.reply),
                              f.field("what", x.what).fallback(what_type{}),
                              f.field("copies", x.copies).fallback(1));
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(durable_tests, caf::first_custom_type_id)

  CAF_ADD_TYPE_ID(durable_tests, (letter))

CAF_END_TYPE_ID_BLOCK(durable_tests)

/// Makes the types known to CAF.
struct payload_types {
  payload_types() {
    static const bool once = [] {
      caf::core::init_global_meta_objects();
      caf::init_global_meta_objects<caf::id_block::durable_tests>();
      return true;
    }();
    static_cast<void>(once);
  }
};
