// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/config_value.hpp>
#include <caf/expected.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

/// A setting: its key in the configuration, and the environment variable that
/// comes before it.
struct setting {
  std::string key;
  const char* variable;
};

/// Reads a setting.
/// @param otherwise What it is where nothing is said.
/// @param is_valid Whether it may be that.
/// @param expected What the text of the exception says that it should be.
template <class T, class Predicate>
T read_setting(caf::actor_system& sys, setting what, T otherwise,
               Predicate is_valid, const char* expected) {
  auto checked = [&](caf::expected<T> value, const std::string& where,
                     const std::string& text) {
    if (!value || !is_valid(*value))
      throw std::invalid_argument(where + " is \"" + text + "\", which is not "
                                  + expected);
    return *value;
  };
  if (auto* text = std::getenv(what.variable)) {
    auto value = caf::config_value::parse(std::string{text});
    return checked(value ? caf::get_as<T>(*value)
                         : caf::expected<T>{value.error()},
                   "the environment variable " + std::string{what.variable},
                   text);
  }
  if (auto* entry = caf::get_if(&sys.config().content, what.key))
    return checked(caf::get_as<T>(*entry), "the setting " + what.key,
                   caf::to_string(*entry));
  return otherwise;
}

} // namespace troupe
