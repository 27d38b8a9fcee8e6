// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/clock.hpp"

#include "time/engine.hpp"
#include "troupe/detail/perturb.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <tuple>
#include <utility>

namespace troupe::detail {

// -- timer ---------------------------------------------------------------------

timer::~timer() {
  // The clock forgets a timer in one of three ways, and says so here as the
  // last thing it does with it: so null means that nobody will touch it any
  // more.
  if (auto* on = clock_.load(std::memory_order_acquire); on != nullptr)
    on->cancel(*this);
}

// -- clock ---------------------------------------------------------------------

wall_time read_wall_clock() noexcept {
  return std::chrono::floor<std::chrono::microseconds>(
    std::chrono::system_clock::now());
}

wall_time clock::wall_now() const noexcept {
  return read_wall_clock();
}

clock::clock(std::unique_ptr<engine> how) noexcept : engine_(std::move(how)) {
  // nop
}

clock::~clock() = default;

void clock::arm(timer& t, time_point due) noexcept {
  engine_->arm(t, to_tick(due));
}

bool clock::cancel(timer& t) noexcept {
  return engine_->cancel(t);
}

void clock::schedule(job& what, time_point due) noexcept {
  engine_->schedule(what, to_tick(due));
}

bool clock::unschedule(job& what) noexcept {
  return engine_->unschedule(what);
}

std::size_t clock::pending() const noexcept {
  return engine_->pending();
}

bool clock::fires_here() const noexcept {
  return engine_->fires_here();
}

// -- engine --------------------------------------------------------------------

clock::engine::lock clock::engine::enter() noexcept {
  assert(!(fires_here() && calling_back_)
         && "a timer's callback must not call the clock");
  perturb();
  lock held{mutex_, std::try_to_lock};
  if (!held.owns_lock()) {
    const std::lock_guard turn{door_};
    held.lock();
  }
  return held;
}

void clock::engine::step_aside(lock& held) noexcept {
  held.unlock();
  const std::lock_guard turn{door_};
  held.lock();
}

void clock::engine::on_earlier(tick) noexcept {
  // nop
}

void clock::engine::on_fire(tick) noexcept {
  // nop
}

bool clock::engine::link(timer& t, tick due) noexcept {
  if (due == tick_never || closed_)
    return false;
  due = std::max(due, not_before_);
  if (due < alarm_)
    on_earlier(due);
  wheel_.insert(t, due);
  return true;
}

bool clock::engine::unlink(timer& t) noexcept {
  if (!t.armed())
    return false;
  wheel_.remove(t);
  return true;
}

void clock::engine::arm(timer& t, tick due) noexcept {
  auto* on = t.clock_.load(std::memory_order_relaxed);
  if (on != nullptr && on != &owner_)
    on->cancel(t);
  const auto held = enter();
  unlink(t);
  t.clock_.store(link(t, due) ? &owner_ : nullptr, std::memory_order_release);
}

bool clock::engine::cancel(timer& t) noexcept {
  // Most timers that are cancelled late have fired long ago; see `~timer`.
  if (t.clock_.load(std::memory_order_acquire) == nullptr)
    return false;
  const auto held = enter();
  const auto was_pending = unlink(t);
  t.clock_.store(nullptr, std::memory_order_release);
  return was_pending;
}

void clock::engine::schedule(job& what, tick due) noexcept {
  what.retain();
  job_ptr ours{&what};
  job_ptr former;
  const auto held = enter();
  if (unlink(what))
    former = job_ptr{&what};
  if (link(what, due))
    std::ignore = ours.detach();
  // The lock goes first, then the references that are not needed.
}

bool clock::engine::unschedule(job& what) noexcept {
  job_ptr former;
  const auto held = enter();
  if (!unlink(what))
    return false;
  former = job_ptr{&what};
  return true;
}

std::size_t clock::engine::pending() noexcept {
  const auto held = enter();
  return wheel_.size();
}

void clock::engine::close() noexcept {
  // Jobs are linked once more, to be let go when the lock is.
  timer_hook* jobs = nullptr;
  {
    const auto held = enter();
    closed_ = true;
    while (auto* hook = wheel_.pop_any()) {
      auto& t = static_cast<timer&>(*hook);
      if (t.on_due_ != nullptr) {
        t.clock_.store(nullptr, std::memory_order_release);
      } else {
        hook->next = jobs;
        jobs = hook;
      }
    }
  }
  while (jobs != nullptr) {
    auto* hook = std::exchange(jobs, jobs->next);
    static_cast<job&>(static_cast<timer&>(*hook)).release();
  }
}

clock::engine::firing clock::engine::fire(lock& held, tick now,
                                          std::size_t limit,
                                          std::size_t stretch) noexcept {
  const auto gone = clock_is_gone_;
  auto budget = stretch;
  std::size_t count = 0;
  while (count < limit && !closed_) {
    if (budget == 0 || !wheel_.advance(now, budget)) {
      step_aside(held);
      budget = stretch;
      continue;
    }
    auto* hook = wheel_.pop();
    if (hook == nullptr)
      break;
    ++count;
    on_fire(hook->tick);
    perturb();
    auto& t = static_cast<timer&>(*hook);
    if (t.on_due_ != nullptr) {
      calling_back_ = true;
      t.on_due_(t);
      calling_back_ = false;
      t.clock_.store(nullptr, std::memory_order_release);
      budget -= std::min<std::size_t>(budget, 1);
    } else {
      auto& what = static_cast<job&>(t);
      held.unlock();
      perturb();
      what.run();
      what.release();
      if (*gone)
        return {count, true};
      held = enter();
      budget = stretch;
    }
  }
  return {count, false};
}

} // namespace troupe::detail
