// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "tasks/source_awaiter.hpp"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::durable {

/// The news that a store has for a worker.
struct store_news {
  /// Jobs that it has claimed.
  std::vector<claimed_job> jobs;

  /// Its order was looked at, and it may give another one.
  bool order_done = false;

  /// There are more that are ready than it got.
  bool more = false;

  /// Claims whose end is in the store.
  std::vector<claim_id> ended;

  /// Claims that were over before.
  std::vector<claim_id> lost;

  /// Whether something is said about the store.
  bool about_store = false;

  /// Why the store is away; empty: it is back.
  std::string trouble;

  [[nodiscard]] bool empty() const noexcept {
    return jobs.empty() && !order_done && ended.empty() && lost.empty()
           && !about_store;
  }
};

/// Where a worker gets the news of its store: written by the thread of the
/// store, read by one coroutine of the worker.
class seat {
public:
  seat() = default;

  seat(const seat&) = delete;

  seat& operator=(const seat&) = delete;

  /// Adds to the news, and wakes the worker.
  /// @returns `false` if nobody is there any more: `x` is as it was.
  bool tell(store_news& x);

  /// Nobody reads the news from now on.
  /// @returns the news that nobody has read.
  store_news close();

  /// The news so far; empty if there are none.
  [[nodiscard]] store_news take();

  /// Waits until there is something to take.
  detail::source_awaiter<seat> operator co_await() & noexcept {
    return detail::source_awaiter{*this};
  }

private:
  friend class detail::source_awaiter<seat>;

  /// @returns `false` if there is something to take.
  bool enlist(detail::wait& x);

  void forget(detail::wait& x);

  std::mutex mtx_;
  store_news news_;
  detail::wait* waiting_ = nullptr;
  bool closed_ = false;
};

} // namespace troupe::durable
