// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/serial_queue.hpp"

#include <mutex>
#include <utility>

namespace troupe::detail {

bool serial_queue::enter(event& what, kind which) {
  std::unique_lock guard{mtx_};
  if (!std::exchange(taken_, true))
    return true;
  (which == kind::news ? news_ : calls_).push_back(std::move(what));
  return false;
}

bool serial_queue::next(event& what) noexcept {
  std::unique_lock guard{mtx_};
  const auto calls_due = news_.empty() || news_in_a_row_ >= most_news;
  auto& from = !calls_.empty() && calls_due ? calls_ : news_;
  if (from.empty()) {
    taken_ = false;
    news_in_a_row_ = 0;
    return false;
  }
  // Only those count that a call has waited for.
  news_in_a_row_ = &from == &news_ && !calls_.empty() ? news_in_a_row_ + 1 : 0;
  what = std::move(from.front());
  from.pop_front();
  return true;
}

} // namespace troupe::detail
