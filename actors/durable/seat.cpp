// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/seat.hpp"

#include "durable/append.hpp"

namespace troupe::durable {

using namespace detail;

bool seat::tell(store_news& x) {
  std::unique_lock guard{mtx_};
  if (closed_)
    return false;
  append(news_.jobs, x.jobs);
  append(news_.ended, x.ended);
  append(news_.lost, x.lost);
  if (x.order_done) {
    news_.order_done = true;
    news_.more = x.more;
  }
  if (x.about_store) {
    news_.about_store = true;
    news_.trouble = std::move(x.trouble);
  }
  if (auto* who = std::exchange(waiting_, nullptr))
    who->post();
  return true;
}

store_news seat::close() {
  std::unique_lock guard{mtx_};
  closed_ = true;
  return std::exchange(news_, {});
}

store_news seat::take() {
  std::unique_lock guard{mtx_};
  return std::exchange(news_, {});
}

bool seat::enlist(wait& x) {
  std::unique_lock guard{mtx_};
  if (!news_.empty())
    return false;
  waiting_ = &x;
  return true;
}

void seat::forget(wait& x) {
  std::unique_lock guard{mtx_};
  if (waiting_ == &x)
    waiting_ = nullptr;
}

} // namespace troupe::durable
