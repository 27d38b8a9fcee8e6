// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/engine.hpp"
#include "troupe/detail/small_mutex.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

namespace troupe::detail {

namespace {

constexpr wall_time first_wall_time
  = std::chrono::sys_days{std::chrono::year{2024} / std::chrono::January / 1};

std::chrono::microseconds micros_of(tick x) noexcept {
  return std::chrono::floor<std::chrono::microseconds>(
    to_time_point(x).time_since_epoch());
}

} // namespace

/// Fires on the thread that moves the time.
///
/// The wheel's base is never ahead of the time when somebody can look: the
/// lock is not let go between moving the base and firing what is due there.
class virtual_clock::stepper final : public clock::engine {
public:
  stepper(clock& owner, tick start) : engine(owner, start), now_(start) {
    not_before_ = start;
    note_bound(tick_never);
    set_wall(first_wall_time);
  }

  [[nodiscard]] tick now() const noexcept {
    return now_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] wall_time wall_now() const noexcept {
    return wall_time{micros_of(now()) + ahead_.load(std::memory_order_relaxed)};
  }

  void set_wall(wall_time to) noexcept {
    ahead_.store(to.time_since_epoch() - micros_of(now()),
                 std::memory_order_relaxed);
  }

  std::size_t advance_to(tick when) noexcept {
    return advance([this, when](lock& held) {
      const auto until = std::max(when, now());
      const auto count = fire(held, until, no_limit, no_limit).count;
      set(until);
      return count;
    });
  }

  std::size_t fire_next(tick limit) noexcept {
    return advance([this, limit](lock& held) {
      const auto first = wheel_.first();
      return first != tick_never && first <= limit
               ? fire(held, tick_never, 1, no_limit).count
               : 0;
    });
  }

  [[nodiscard]] tick next_due() noexcept {
    const auto held = enter();
    return wheel_.first();
  }

  [[nodiscard]] tick due_bound() const noexcept {
    return bound_.load(std::memory_order_acquire);
  }

protected:
  void on_fire(tick due) noexcept override {
    set(due);
  }

  void on_earlier(tick due) noexcept override {
    note_bound(due);
  }

private:
  /// Lets one thread at a time move the clock.
  template <class F>
  std::size_t advance(F step) noexcept {
    if (fires_here())
      return 0;
    const std::lock_guard turn{advancing_};
    firing_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    auto held = enter();
    const auto count = step(held);
    note_bound(wheel_.bound());
    firing_thread_.store(std::thread::id{}, std::memory_order_relaxed);
    return count;
  }

  /// Nothing is due earlier; for anything that will be, `on_earlier` is called.
  void note_bound(tick when) noexcept {
    alarm_ = when;
    bound_.store(when, std::memory_order_release);
  }

  void set(tick when) noexcept {
    now_.store(when, std::memory_order_relaxed);
    not_before_ = when;
  }

  std::atomic<tick> now_;
  std::atomic<std::chrono::microseconds> ahead_{}; // the wall clock, of `now_`
  std::atomic<tick> bound_;
  small_mutex advancing_;
};

virtual_clock::virtual_clock(time_point start)
  : clock(std::make_unique<stepper>(*this, to_tick(start))) {
  // nop
}

virtual_clock::~virtual_clock() {
  get_stepper().close();
}

time_point virtual_clock::now() const noexcept {
  return to_time_point(get_stepper().now());
}

wall_time virtual_clock::wall_now() const noexcept {
  return get_stepper().wall_now();
}

void virtual_clock::set_wall(wall_time to) noexcept {
  get_stepper().set_wall(to);
}

std::size_t virtual_clock::advance_to(time_point when) {
  return get_stepper().advance_to(to_tick(when));
}

std::size_t virtual_clock::advance_by(timespan step) {
  return advance_to(deadline_after(now(), step));
}

bool virtual_clock::fire_next(time_point limit) {
  return get_stepper().fire_next(to_tick(limit)) == 1;
}

time_point virtual_clock::due_bound() const noexcept {
  return to_time_point(get_stepper().due_bound());
}

time_point virtual_clock::next_due() const noexcept {
  return to_time_point(get_stepper().next_due());
}

virtual_clock::stepper& virtual_clock::get_stepper() const noexcept {
  return static_cast<stepper&>(get_engine());
}

} // namespace troupe::detail
