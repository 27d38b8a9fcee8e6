// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "lookout.hpp"

#include <utility>

namespace troupe_top {

lookout::lookout(const address& where, std::chrono::milliseconds interval)
  : source_(where), interval_(interval), thread_([this] { run(); }) {
  // nop
}

lookout::~lookout() {
  {
    std::unique_lock guard{mtx_};
    end_ = true;
    changed_.notify_all();
    // A look that has no connection yet does not hear of it.
    constexpr std::chrono::milliseconds again{50};
    do
      source_.stop();
    while (!changed_.wait_for(guard, again, [this] { return over_; }));
  }
  thread_.join();
}

std::optional<answer> lookout::take() {
  static_cast<void>(news_.take());
  const std::unique_lock guard{mtx_};
  return std::exchange(last_, std::nullopt);
}

void lookout::run() {
  for (;;) {
    const auto next = std::chrono::steady_clock::now() + interval_;
    auto found = source_.look();
    std::unique_lock guard{mtx_};
    last_ = std::move(found);
    news_.put('!');
    if (!changed_.wait_until(guard, next, [this] { return end_; }))
      continue;
    over_ = true;
    changed_.notify_all();
    return;
  }
}

} // namespace troupe_top
