// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/offload.hpp"

#include <stdexcept>

namespace troupe {

// What the strand calls on a thread. It reports when it is destroyed, so that a
// strand that drops it does not leave the coroutine waiting for ever.
class offloaded_call::job {
public:
  job(std::shared_ptr<offloaded_call> call, strand& home) noexcept
    : call_(std::move(call)), home_(&home) {
    home_->hold_ref();
  }

  job(job&& other) noexcept = default;

  ~job() {
    if (call_ == nullptr)
      return;
    if (!call_->called_)
      call_->fail(std::make_exception_ptr(
        std::runtime_error("the offloaded function was never called: the "
                           "threads for such calls have come to an end")));
    report();
  }

  void operator()() noexcept {
    call_->called_ = true;
    call_->call();
    report();
  }

private:
  void report() noexcept {
    {
      std::unique_lock guard{call_->mutex_};
      call_->over_ = true;
      if (call_->waiting_ != nullptr)
        call_->waiting_->post();
    }
    call_ = nullptr;
    home_->drop_ref();
  }

  std::shared_ptr<offloaded_call> call_;
  strand* home_;
};

bool offloaded_call::begin(const std::shared_ptr<offloaded_call>& self,
                           wait& waiting) noexcept {
  try {
    self->waiting_ = &waiting;
    auto& home = waiting.home();
    home.run_on_thread(job{self, home});
    return true;
  } catch (...) {
    self->fail(std::current_exception());
    return false;
  }
}

bool offloaded_call::detach() noexcept {
  std::unique_lock guard{mutex_};
  waiting_ = nullptr;
  return over_;
}

} // namespace troupe
