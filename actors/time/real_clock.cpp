// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/engine.hpp"
#include "troupe/detail/perturb.hpp"

#include "base/make_thread.hpp"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include <pthread.h>

namespace troupe::detail {

namespace {

tick tick_now() noexcept {
  return to_tick(
    std::chrono::time_point_cast<timespan>(std::chrono::steady_clock::now()));
}

/// Blocks all signals for its own lifetime and for the threads that are started
/// meanwhile: a program's handlers should run on the program's threads.
class signal_shield {
public:
  signal_shield() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former_);
  }

  signal_shield(const signal_shield&) = delete;

  signal_shield& operator=(const signal_shield&) = delete;

  ~signal_shield() {
    pthread_sigmask(SIG_SETMASK, &former_, nullptr);
  }

private:
  sigset_t former_;
};

} // namespace

/// Fires on a thread of its own, which is there before the first timer is
/// armed: deadlines are armed where nobody could be told that there is no
/// thread.
class real_clock::sleeper final : public clock::engine {
public:
  explicit sleeper(clock& owner) : engine(owner, tick_now()) {
    alarm_ = tick_never;
    const signal_shield shield;
    thread_ = make_thread("the clock", [this] { run(); });
  }

  void stop() noexcept {
    close();
    wake_.notify_one();
    if (fires_here())
      return;
    const std::lock_guard turn{joining_};
    if (thread_.joinable())
      thread_.join();
  }

  void stop_for_good() noexcept {
    stop();
    if (fires_here()) {
      leave_firing_thread();
      thread_.detach();
    }
  }

  [[nodiscard]] std::size_t wakeups() noexcept {
    const auto held = enter();
    return wakeups_;
  }

protected:
  void on_earlier(tick due) noexcept override {
    alarm_ = due;
    wake_.notify_one();
  }

private:
  /// At some 100 ns each, this is how long others may be held up.
  static constexpr std::size_t stretch = 64;

  void run() noexcept {
#ifdef __linux__
    pthread_setname_np(pthread_self(), "troupe.clock");
#endif
    perturb();
    firing_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    auto held = enter();
    while (!closed_) {
      alarm_ = 0;
      if (fire(held, tick_now(), no_limit, stretch).clock_is_gone)
        return;
      const auto next = wheel_.bound();
      if (closed_ || next <= tick_now())
        continue;
      alarm_ = next;
      if (next == tick_never)
        wake_.wait(held);
      else
        wake_.wait_until(held, to_time_point(next));
      ++wakeups_;
    }
    firing_thread_.store(std::thread::id{}, std::memory_order_relaxed);
  }

  std::condition_variable wake_;
  std::thread thread_;
  std::mutex joining_;
  std::size_t wakeups_ = 0;
};

real_clock::real_clock() : clock(std::make_unique<sleeper>(*this)) {
  // nop
}

real_clock::~real_clock() {
  get_sleeper().stop_for_good();
}

real_clock::sleeper& real_clock::get_sleeper() const noexcept {
  return static_cast<sleeper&>(get_engine());
}

time_point real_clock::now() const noexcept {
  return std::chrono::time_point_cast<timespan>(
    std::chrono::steady_clock::now());
}

void real_clock::stop() noexcept {
  get_sleeper().stop();
}

std::size_t real_clock::wakeups() const noexcept {
  return get_sleeper().wakeups();
}

} // namespace troupe::detail
