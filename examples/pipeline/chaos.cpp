// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "chaos.hpp"

namespace pipeline {

namespace {

/// The last step of splitmix64: each bit of `x` changes half of the result.
uint64_t mixed(uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

/// FNV-1a; `std::hash` may be another one elsewhere.
uint64_t hash(std::string_view text) noexcept {
  uint64_t result = 0xCBF29CE484222325;
  for (const auto c : text)
    result = (result ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return result;
}

} // namespace

bool chaos::strikes(std::string_view who, std::string_view file,
                    uint64_t number) const noexcept {
  const auto place = mixed(hash(file) + number);
  const auto luck = mixed(mixed(seed + hash(who)) ^ place);
  return static_cast<double>(luck >> 11) * 0x1p-53 < probability;
}

} // namespace pipeline
