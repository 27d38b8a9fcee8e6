// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/member_text.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace troupe::cluster {

std::string encode_member(const member& x) {
  const nlohmann::json value{{"host", x.address.host},
                             {"port", x.address.port},
                             {"roles", x.roles},
                             {"build", x.build}};
  // Bytes that are no UTF-8 become replacement characters.
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

member decode_member(std::string name, const std::string& text,
                     std::int64_t epoch) {
  member result{.name = std::move(name), .epoch = epoch};
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_object())
    return result;
  const auto string_at = [&value](const char* key) {
    const auto found = value.find(key);
    return found != value.end() && found->is_string()
             ? found->get<std::string>()
             : std::string{};
  };
  result.address.host = string_at("host");
  result.build = string_at("build");
  if (const auto port = value.find("port");
      port != value.end() && port->is_number_unsigned()
      && port->get<std::uint64_t>() <= 65535)
    result.address.port = port->get<std::uint16_t>();
  if (const auto roles = value.find("roles");
      roles != value.end() && roles->is_array())
    for (const auto& role : *roles)
      if (role.is_string())
        result.roles.push_back(role.get<std::string>());
  return result;
}

} // namespace troupe::cluster
