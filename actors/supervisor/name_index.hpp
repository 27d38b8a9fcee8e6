// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// Where the children of a supervisor are, by name. It knows of each name its
/// hash alone, and of each child its slot: eight bytes for a place, of which
/// there are at least a fifth more than children. Not thread-safe.
class name_index {
public:
  static constexpr std::uint32_t nowhere = 0xFFFFFFFFu;

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// @param is_called Whether the child in a slot has that name.
  /// @returns the slot, or `nowhere`.
  template <class F>
  [[nodiscard]] std::uint32_t find(std::string_view name, F is_called) const {
    if (size_ == 0)
      return nowhere;
    const auto hash = hash_of(name);
    for (auto i = hash & mask(); places_[i].slot != nowhere; i = next(i))
      if (places_[i].hash == hash && is_called(places_[i].slot))
        return places_[i].slot;
    return nowhere;
  }

  /// @pre no child has that name
  void insert(std::string_view name, std::uint32_t slot);

  /// @pre the child in that slot has that name
  void erase(std::string_view name, std::uint32_t slot) noexcept;

  void clear() noexcept;

private:
  struct place {
    std::uint32_t hash = 0;
    std::uint32_t slot = nowhere;
  };

  [[nodiscard]] static std::uint32_t hash_of(std::string_view name) noexcept {
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
  }

  [[nodiscard]] std::size_t mask() const noexcept {
    return places_.size() - 1;
  }

  [[nodiscard]] std::size_t next(std::size_t i) const noexcept {
    return (i + 1) & mask();
  }

  void put(place x) noexcept;

  void grow();

  // An entry whose place is taken has the next one that is free. The number of
  // places is a power of two.
  std::vector<place> places_;
  std::size_t size_ = 0;
};

} // namespace troupe::detail
