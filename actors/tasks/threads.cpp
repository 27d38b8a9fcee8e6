// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "tasks/threads.hpp"

#include "base/make_thread.hpp"
#include "troupe/detail/perturb.hpp"

#include <tuple>
#include <utility>

namespace troupe::detail {

/// The state that the threads share; a thread that is left alone at the end
/// keeps it alive.
struct threads::shared : std::enable_shared_from_this<shared> {
  /// Those whose thread this is, or null.
  static thread_local shared* here;

  struct call {
    call(unique_function<void()> f, at_stop how)
      : what(std::move(f)), mode(how) {
      // nop
    }

    unique_function<void()> what;
    at_stop mode;
  };

  static constexpr std::size_t max_idle = 8;

  std::mutex mtx;
  std::condition_variable work;
  std::condition_variable quiet;
  std::deque<call> calls;
  std::size_t idle = 0;
  std::size_t must_join = 0;
  std::size_t alive = 0;
  bool stopped = false;

  /// @pre the lock is held
  void one_has_joined() {
    if (--must_join == 0)
      quiet.notify_all();
  }

  /// The loop of one thread, which begins with `first`.
  void serve(call first) {
    here = this;
    std::unique_lock guard{mtx};
    auto next = std::move(first);
    for (;;) {
      guard.unlock();
      next.what();
      next.what = nullptr;
      guard.lock();
      if (next.mode == at_stop::join)
        one_has_joined();
      if (calls.empty()) {
        if (stopped || idle == max_idle)
          return;
        ++idle;
        work.wait(guard, [this] { return stopped || !calls.empty(); });
        --idle;
        if (calls.empty())
          return;
      }
      next = std::move(calls.front());
      calls.pop_front();
    }
  }
};

thread_local threads::shared* threads::shared::here = nullptr;

// -- returned ------------------------------------------------------------------

threads::returned::returned(std::shared_ptr<shared> where) noexcept
  : where_(std::move(where)) {
  // nop
}

threads::returned& threads::returned::operator=(returned&& other) noexcept {
  returned former{std::exchange(where_, std::move(other.where_))};
  return *this;
}

threads::returned::~returned() {
  if (!where_)
    return;
  std::unique_lock guard{where_->mtx};
  where_->one_has_joined();
}

threads::returned threads::has_returned() noexcept {
  if (shared::here == nullptr)
    return {};
  std::unique_lock guard{shared::here->mtx};
  if (shared::here->stopped)
    return {};
  ++shared::here->must_join;
  return returned{shared::here->shared_from_this()};
}

// -- threads -------------------------------------------------------------------

threads::threads() : shared_(std::make_shared<shared>()) {
  // nop
}

threads::~threads() {
  stop();
}

void threads::run(unique_function<void()> f, at_stop mode) {
  // Goes without the lock, whatever happens: what it owns is the user's.
  auto first = std::make_unique<shared::call>(std::move(f), mode);
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  if (s.stopped)
    return;
  // An idle thread that has been promised a call already does not count.
  if (s.idle > s.calls.size()) {
    s.calls.push_back(std::move(*first));
    s.work.notify_one();
  } else {
    auto serve = [keep = shared_, given = first.get()] {
      perturb();
      std::unique_ptr<shared::call> mine{given};
      keep->serve(std::move(*mine));
      std::unique_lock last{keep->mtx};
      --keep->alive;
      keep->quiet.notify_all();
    };
    make_thread("code that may block", std::move(serve)).detach();
    std::ignore = first.release(); // to the thread
    ++s.alive; // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)
  }
  if (mode == at_stop::join)
    ++s.must_join;
}

void threads::stop() noexcept {
  auto& s = *shared_;
  std::unique_lock guard{s.mtx};
  s.stopped = true;
  s.work.notify_all();
  s.quiet.wait(guard, [&s] { return s.must_join == 0 && s.idle == 0; });
}

} // namespace troupe::detail
