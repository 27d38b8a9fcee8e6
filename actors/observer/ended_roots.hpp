// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/stream.hpp"
#include "troupe/events.hpp"
#include "troupe/tree_status.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

namespace detail {

class runtime;

} // namespace detail

namespace observing {

/// Remembers how the topmost supervisors have ended: nobody need keep a handle
/// to one for that, and later readers want to know. Thread-safe.
///
/// Takes events on the thread of their publisher: later on nothing would say
/// whether a worker was one of the topmost.
class ended_roots final : public detail::stream<lifecycle_event>::sink {
public:
  using value_ptr = detail::stream<lifecycle_event>::value_ptr;

  /// @param rt The one whose events these are.
  explicit ended_roots(const detail::runtime& rt) : rt_(rt) {
    // nop
  }

  /// Adds those that have ended and are not among `trees`.
  [[nodiscard]] std::vector<tree_status>
  with_ended(std::vector<tree_status> trees) const;

  // -- sink --------------------------------------------------------------------

  [[nodiscard]] bool wants(const lifecycle_event& x) const noexcept override;

  void put(const value_ptr& x) noexcept override;

  void end(bool) noexcept override {
    leave();
  }

  [[nodiscard]] std::uint64_t missed() const noexcept override {
    return 0;
  }

private:
  const detail::runtime& rt_;
  mutable std::mutex mtx_;
  std::map<std::string, tree_status> ended_;
};

} // namespace observing

} // namespace troupe
