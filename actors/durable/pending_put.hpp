// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/answer_awaitable.hpp"
#include "troupe/durable/receipt.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace troupe::durable {

/// Where the answer to a put comes in: waited for by a thread, or by a
/// coroutine.
class pending_put : public detail::pending_answer<caf::expected<receipt>> {
public:
  pending_put() = default;

  pending_put(const pending_put&) = delete;

  pending_put& operator=(const pending_put&) = delete;

  /// Any thread, once.
  void answer(caf::expected<receipt> x) {
    std::unique_lock guard{mtx_};
    answer_.emplace(std::move(x));
    if (auto* who = std::exchange(waiting_, nullptr))
      who->post();
    arrived_.notify_all();
  }

  /// Blocks until it is there.
  caf::expected<receipt> take() override {
    std::unique_lock guard{mtx_};
    arrived_.wait(guard, [this] { return answer_.has_value(); });
    return std::move(*answer_);
  }

  bool enlist(detail::wait& x) override {
    std::unique_lock guard{mtx_};
    if (answer_)
      return false;
    waiting_ = &x;
    return true;
  }

  void forget(detail::wait& x) noexcept override {
    std::unique_lock guard{mtx_};
    if (waiting_ == &x)
      waiting_ = nullptr;
  }

private:
  std::mutex mtx_;
  std::condition_variable arrived_;
  std::optional<caf::expected<receipt>> answer_;
  detail::wait* waiting_ = nullptr;
};

} // namespace troupe::durable
