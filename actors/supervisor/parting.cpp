// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/parting.hpp"

#include "base/make_thread.hpp"
#include "base/standard_error.hpp"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace troupe::detail {

/// The state that work left behind keeps alive.
struct parting::shared {
  /// The loop of the thread.
  void serve() {
    std::unique_lock guard{mtx};
    while (!over || work) {
      if (work) {
        auto f = std::exchange(work, nullptr);
        guard.unlock();
        f();
        f = nullptr;
        guard.lock();
        at_work = false;
        changed.notify_all();
      } else if (leave == never) {
        changed.wait(guard);
      } else if (std::chrono::steady_clock::now() < leave) {
        changed.wait_until(guard, leave);
      } else if (!changed.wait_for(guard, std::chrono::milliseconds{200},
                                   [this] { return leaves_no_more(); })) {
        // The last moment is for a process that was stopped meanwhile, and for
        // which all times are over when it goes on.
        say_if_there_is_room("troupe::run has not come to its end in time, and "
                             "ends the process\n");
        std::_Exit(1);
      }
    }
  }

  /// @pre `mtx` is held
  [[nodiscard]] bool leaves_no_more() const {
    return over || work || leave == never;
  }

  std::mutex mtx;
  std::condition_variable changed;
  std::function<void()> work;
  bool at_work = false;
  bool over = false;
  time_point leave = never;
};

parting::parting()
  : shared_(std::make_shared<shared>()),
    thread_(make_thread("the end of troupe::run", [keep = shared_] {
      // A pipe that nobody reads any more is no reason to die of SIGPIPE.
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      keep->serve();
    })) {
  // nop
}

parting::~parting() {
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  s.over = true;
  s.changed.notify_all();
  const auto comes_back = !s.at_work;
  guard.unlock();
  if (comes_back)
    thread_.join();
  else
    thread_.detach();
}

bool parting::run(std::function<void()> f) {
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  if (s.at_work)
    return false; // with what has not come back
  s.work = std::move(f);
  s.at_work = true;
  s.changed.notify_all();
  return s.changed.wait_for(guard, patience, [&s] { return !s.at_work; });
}

void parting::leave_at(time_point when) {
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  if (when >= s.leave)
    return;
  s.leave = when;
  s.changed.notify_all();
}

void parting::stay() {
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  s.leave = never;
  s.changed.notify_all();
}

} // namespace troupe::detail
