// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How the driver waits for the threads that are not its own.

#include "testing/driver.hpp"

#include <caf/actor_system.hpp>

#include <utility>

namespace troupe::testing {

/// A thread that is in `run_until` without driving, while it lives.
class driver::visit {
public:
  visit(driver& parent, bool external) : parent_(parent), external_(external) {
    const std::lock_guard guard{parent_.mtx_};
    ++parent_.guests_;
    if (external_)
      ++parent_.parked_;
    parent_.changed();
  }

  visit(const visit&) = delete;

  visit& operator=(const visit&) = delete;

  ~visit() {
    const std::lock_guard guard{parent_.mtx_};
    --parent_.guests_;
    if (external_)
      --parent_.parked_;
    parent_.changed();
  }

private:
  driver& parent_;
  bool external_;
};

std::uint64_t driver::changes() {
  return changes_.load(std::memory_order_acquire);
}

bool driver::await_external(std::uint64_t seen) {
  // Mostly there is nobody to wait for.
  if (guests_.load(std::memory_order_acquire) == 0
      && external_.load(std::memory_order_acquire) == 0)
    return changes() != seen;
  lock_type lock{mtx_};
  // First the guests have their say: one of them may have got what it waits
  // for, go on, and be at work again.
  cv_.wait(lock, [&] { return changes_ != seen || settled_ == guests_; });
  if (changes_ != seen)
    return true;
  const auto idle = parked_ + stuck_;
  if (external_ <= idle)
    return false;
  if (await_change(lock, seen))
    return true;
  stuck_ = external_ - parked_;
  return false;
}

bool driver::await_detached(std::uint64_t seen,
                            const std::function<bool()>& done) {
  const auto all_gone = [this] {
    return sys_->detached_actors() <= own_threads_;
  };
  await_caf(seen, [&] { return all_gone() || done(); }, end_of_patience());
  return done() || changes() != seen;
}

bool driver::await_caf(std::uint64_t seen, const std::function<bool()>& done,
                       time_point limit) {
  const auto noticed = [&] { return changes_ != seen; };
  for (;;) {
    if (done())
      return true;
    if (std::chrono::steady_clock::now() >= limit)
      return false;
    lock_type lock{mtx_};
    // CAF does not tell when a thread of its own has come to an end, so one has
    // to look again and again.
    if (cv_.wait_for(lock, std::chrono::milliseconds{1}, noticed))
      return true;
  }
}

time_point driver::end_of_patience() {
  const std::lock_guard guard{mtx_};
  return deadline_after(std::chrono::steady_clock::now(), patience_);
}

bool driver::await_change(lock_type& lock, std::uint64_t seen) {
  const auto has_changed = [&] { return changes_ != seen; };
  const auto limit = deadline_after(std::chrono::steady_clock::now(),
                                    patience_);
  if (limit != never)
    return cv_.wait_until(lock, limit, has_changed);
  cv_.wait(lock, has_changed);
  return true;
}

std::optional<bool> driver::await_turn(const std::function<bool()>& done,
                                       time_point limit, bool external) {
  const visit guest{*this, external};
  for (;;) {
    const auto seen = changes();
    if (done())
      return true;
    lock_type lock{mtx_};
    if (closed_)
      return false;
    if (!driven_ && !external) {
      driven_ = true;
      return std::nullopt;
    }
    if (const auto now = clock_.now();
        now > limit || (now == limit && !driven_))
      return false;
    if (changes_ != seen)
      continue;
    ++settled_;
    cv_.notify_all();
    cv_.wait(lock, [&] { return changes_ != seen; });
  }
}

void driver::tell_guests() {
  // A guest that comes later adds itself to this very value, and so finds all
  // that was done before.
  if (guests_.fetch_add(0, std::memory_order_acq_rel) == 0)
    return;
  const std::lock_guard guard{mtx_};
  if (guests_ > 0)
    changed();
}

void driver::changed() noexcept {
  ++changes_;
  settled_ = 0;
  cv_.notify_all();
}

} // namespace troupe::testing
