// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/name_index.hpp"

#include <algorithm>
#include <utility>

namespace troupe::detail {

void name_index::insert(std::string_view name, std::uint32_t slot) {
  if ((size_ + 1) * 16 > places_.size() * 13)
    grow();
  put({hash_of(name), slot});
  ++size_;
}

void name_index::erase(std::string_view name, std::uint32_t slot) noexcept {
  auto gap = hash_of(name) & mask();
  while (places_[gap].slot != slot)
    gap = next(gap);
  // An entry after it that belongs into its place, or before, moves up.
  for (auto i = next(gap); places_[i].slot != nowhere; i = next(i)) {
    const auto wanted = places_[i].hash & mask();
    if (((i - wanted) & mask()) >= ((i - gap) & mask())) {
      places_[gap] = places_[i];
      gap = i;
    }
  }
  places_[gap] = {};
  --size_;
}

void name_index::clear() noexcept {
  places_ = {};
  size_ = 0;
}

void name_index::put(place x) noexcept {
  auto i = x.hash & mask();
  while (places_[i].slot != nowhere)
    i = next(i);
  places_[i] = x;
}

void name_index::grow() {
  constexpr std::size_t fewest = 4;
  auto former = std::exchange(places_, std::vector<place>(
                                         std::max(places_.size() * 2, fewest)));
  for (const auto& x : former)
    if (x.slot != nowhere)
      put(x);
}

} // namespace troupe::detail
