// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include <cstdint>
#include <memory>
#include <utility>

namespace troupe {

/// Keeps a function subscribed to a stream, such as that of `on_event`, for as
/// long as it lives. Movable; thread-safe like any other value.
class [[nodiscard]] subscription {
public:
  /// The side that calls the function.
  class sink {
  public:
    virtual ~sink();

    /// @param deliver Whether the function gets what waits for it first.
    virtual void end(bool deliver) noexcept = 0;

    /// See `subscription::missed`.
    [[nodiscard]] virtual std::uint64_t missed() const noexcept = 0;
  };

  /// Subscribes to nothing.
  subscription() noexcept = default;

  subscription(subscription&&) noexcept = default;

  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      cancel();
      sink_ = std::move(other.sink_);
    }
    return *this;
  }

  ~subscription() {
    cancel();
  }

  /// Ends the subscription. When it returns, the function is not running any
  /// more, will not be called again and has been destroyed; called by the
  /// function itself, it does not wait for it.
  void cancel() noexcept {
    // The function may ask for `missed` until it has ended.
    if (auto what = sink_) {
      what->end(false);
      sink_ = nullptr;
    }
  }

  /// As `cancel`, but the function is called first with all that was published
  /// before: for a report that is to be complete.
  void finish() noexcept {
    if (auto what = sink_) {
      what->end(true);
      sink_ = nullptr;
    }
  }

  /// How many values the function did not get because it was too slow for
  /// them.
  [[nodiscard]] std::uint64_t missed() const noexcept {
    return sink_ ? sink_->missed() : 0;
  }

private:
  friend struct detail::access;

  explicit subscription(std::shared_ptr<sink> what) noexcept
    : sink_(std::move(what)) {
    // nop
  }

  std::shared_ptr<sink> sink_;
};

} // namespace troupe
