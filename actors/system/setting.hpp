// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/config_value.hpp>
#include <caf/expected.hpp>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// A setting: its key in the configuration, and the environment variable that
/// comes before it.
struct setting {
  std::string key;
  const char* variable;
};

/// Takes a setting out of what CAF has read. A plain number is a duration in
/// seconds, as the variables of other systems have it.
template <class T>
caf::expected<T> setting_from(const caf::config_value& x) {
  if constexpr (std::is_same_v<T, timespan>)
    if (auto number = caf::get_as<double>(x); number && std::isfinite(*number))
      return to_timespan(std::chrono::duration<double>{*number});
  return caf::get_as<T>(x);
}

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
    return checked(value ? setting_from<T>(*value)
                         : caf::expected<T>{value.error()},
                   "the environment variable " + std::string{what.variable},
                   text);
  }
  if (auto* entry = caf::get_if(&sys.config().content, what.key))
    return checked(setting_from<T>(*entry), "the setting " + what.key,
                   caf::to_string(*entry));
  return otherwise;
}

} // namespace troupe::detail
