// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/zone_file.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace troupe::detail {

namespace {

constexpr std::string_view database = "/usr/share/zoneinfo/";

/// @returns nothing for a folder, or a file that is not there.
std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Reads a file, of the database if it is no absolute path, or else what the
/// name itself says.
rules::time_zone load(std::string_view name) {
  auto path = name.starts_with('/') ? std::string{} : std::string{database};
  path += name;
  try {
    if (const auto bytes = read_file(path); !bytes.empty())
      return rules::time_zone::parse_tzif(bytes);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(path + ": " + e.what());
  }
  try {
    return rules::time_zone::parse_posix(name);
  } catch (const std::invalid_argument&) {
    throw std::invalid_argument(
      "the time zone \"" + std::string{name} + "\" is neither in "
      + std::string{database}
      + " (Debian: install tzdata) nor a description such as "
        "CET-1CEST,M3.5.0,M10.5.0/3");
  }
}

/// As the C library finds it.
rules::time_zone load_local() {
  constexpr std::string_view file = "/etc/localtime";
  const auto* variable = std::getenv("TZ");
  auto name = variable != nullptr ? std::string_view{variable} : file;
  if (name.starts_with(':'))
    name.remove_prefix(1);
  if (name.empty() || (name == file && read_file(std::string{file}).empty()))
    return {};
  return load(name);
}

} // namespace

rules::time_zone load_time_zone(std::string_view name) {
  if (name == "UTC")
    return {};
  if (name == "local")
    return load_local();
  // It may come from a configuration, and does not lead out of the folder.
  if (name.empty() || name.starts_with('/') || name.find('\0') != name.npos
      || name.find("..") != name.npos)
    throw std::invalid_argument("\"" + std::string{name}
                                + "\" is no name of a time zone; write one "
                                  "such as Europe/Berlin, UTC or local");
  return load(name);
}

} // namespace troupe::detail
