// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/offload.hpp"

#include "tasks/threads.hpp"

#include <stdexcept>

namespace troupe {

using namespace detail;

// The job that the strand runs on a thread. It reports when it is destroyed, so
// that a strand that drops it does not leave the coroutine waiting for ever.
class offloaded_call::job final : public thread_job {
public:
  job(std::shared_ptr<offloaded_call> call, strand& strand) noexcept
    : thread_job(strand), call_(std::move(call)) {
    strand.hold_ref();
  }

  ~job() override {
    if (call_ != nullptr) {
      call_->fail(std::make_exception_ptr(
        std::runtime_error("the offloaded function was never called: there "
                           "is no thread for it, or no more")));
      report();
    }
    get_strand().drop_ref();
  }

  void run() noexcept override {
    {
      std::unique_lock guard{call_->mutex_};
      call_->not_begun_ = nullptr;
    }
    call_->call();
    returned_ = threads::has_returned();
    report();
  }

  /// It was taken back: there is nothing to report.
  void dismiss() noexcept {
    call_ = nullptr;
  }

private:
  void report() noexcept {
    {
      std::unique_lock guard{call_->mutex_};
      call_->not_begun_ = nullptr;
      call_->over_ = true;
      if (call_->waiting_ != nullptr)
        call_->waiting_->post();
    }
    call_ = nullptr;
  }

  threads::returned returned_; // goes last, after what the job holds
  std::shared_ptr<offloaded_call> call_;
};

bool offloaded_call::begin(const std::shared_ptr<offloaded_call>& self,
                           wait& waiting, thread_use how) noexcept {
  try {
    self->waiting_ = &waiting;
    auto& strand = waiting.get_strand();
    auto made = std::make_unique<job>(self, strand);
    self->not_begun_ = made.get();
    strand.run_on_thread(std::move(made), how);
    return true;
  } catch (...) {
    self->fail(std::current_exception());
    return false;
  }
}

bool offloaded_call::take_back() noexcept {
  std::unique_ptr<thread_job> mine;
  std::unique_lock guard{mutex_};
  if (not_begun_ == nullptr)
    return false;
  // The job is there: it cannot report while the lock is held.
  mine = not_begun_->get_strand().take_back(*not_begun_);
  if (mine == nullptr)
    return false; // it is about to begin
  not_begun_->dismiss();
  not_begun_ = nullptr;
  waiting_ = nullptr;
  over_ = true;
  return true;
}

bool offloaded_call::detach() noexcept {
  if (take_back())
    return true;
  std::unique_lock guard{mutex_};
  waiting_ = nullptr;
  return over_;
}

} // namespace troupe
