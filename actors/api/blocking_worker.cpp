// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/blocking_worker.hpp"

#include "worker/worker_core.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// The sleep of a thread, until somebody wakes it.
class sleep {
public:
  enum class end : std::uint8_t { none, due, stopped };

  /// The first one to call decides.
  void wake(end why) {
    std::unique_lock guard{mtx_};
    if (end_ != end::none)
      return;
    end_ = why;
    signal_.notify_all();
  }

  void wait() {
    std::unique_lock guard{mtx_};
    signal_.wait(guard, [this] { return end_ != end::none; });
  }

  [[nodiscard]] end how() const {
    std::unique_lock guard{mtx_};
    return end_;
  }

  [[nodiscard]] bool over() const {
    return how() != end::none;
  }

private:
  mutable std::mutex mtx_;
  std::condition_variable signal_;
  end end_ = end::none;
};

/// Wakes it when it is time.
struct alarm final : timer {
  explicit alarm(sleep& x) noexcept
    : timer([](timer& self) noexcept {
        static_cast<alarm&>(self).who.wake(sleep::end::due);
      }),
      who(x) {
    // nop
  }

  sleep& who;
};

} // namespace

task<> blocking_worker::run() {
  auto work = [this](std::stop_token stop) { run(std::move(stop)); };
  auto call = offload(std::move(work), thread_use::own);
  co_await std::move(call);
}

bool blocking_worker::sleep_until(const std::stop_token& stop,
                                  time_point until) const {
  auto& rt = get_core().rt();
  if (until <= rt.time().now()) {
    std::this_thread::yield();
    return !stop.stop_requested();
  }
  sleep mine;
  std::stop_callback on_stop{stop, [&mine, &rt] {
                               mine.wake(sleep::end::stopped);
                               rt.notify();
                             }};
  alarm when_due{mine};
  rt.time().arm(when_due, until);
  rt.block_until([&mine] { return mine.over(); }, never,
                 [&mine] { mine.wait(); },
                 [this] { return "a sleep of " + get_core().path(); });
  return mine.how() == sleep::end::due;
}

} // namespace troupe
