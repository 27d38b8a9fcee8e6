// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/tree_status.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::observing {

/// The result of a look at all workers. A dozen readers that come at the same
/// time cost the workers one look, not a dozen. Thread-safe.
class shared_look {
public:
  using trees = std::vector<tree_status>;

  /// @param look Is called by one thread at a time.
  explicit shared_look(std::function<trees()> look) : look_(std::move(look)) {
    // nop
  }

  /// Looks, or waits for the look of another that has begun after this call:
  /// what happened before the call is in it. Blocks.
  [[nodiscard]] std::shared_ptr<const trees> take();

  /// How many are in `take` at this moment.
  [[nodiscard]] std::size_t takers() const {
    std::unique_lock guard{mtx_};
    return takers_;
  }

private:
  const std::function<trees()> look_;
  mutable std::mutex mtx_;
  std::condition_variable over_;
  std::uint64_t begun_ = 0;
  std::uint64_t done_ = 0;
  bool is_looking_ = false;
  std::size_t takers_ = 0;
  std::shared_ptr<const trees> last_; // as long as there are takers
};

} // namespace troupe::observing
