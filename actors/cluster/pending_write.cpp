// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/grant.hpp"
#include "cluster/node_core.hpp"
#include "cluster/wake_flag.hpp"
#include "troupe/cluster/singleton.hpp"
#include "troupe/error.hpp"

#include <mutex>
#include <string>
#include <utility>

namespace troupe::cluster {

using namespace detail;

namespace {

/// A write that is under way, with a timer for an answer that does not come.
class pending_write : public pending_answer<caf::error>,
                      public std::enable_shared_from_this<pending_write> {
public:
  /// Has it end by then.
  void limit(std::shared_ptr<runtime> rt, timespan within,
             const std::string& key) {
    rt_ = std::move(rt);
    timer_ = make_job([weak = weak_from_this(), key] {
      if (auto self = weak.lock())
        self->end(caf::make_error(errc::timed_out,
                                  "the directory has not answered: it is not "
                                  "known whether \""
                                    + key + "\" was written"));
    });
    rt_->time().schedule(*timer_, deadline_after(rt_->time().now(), within));
  }

  /// The first end counts.
  void end(caf::error how) {
    {
      std::unique_lock guard{mtx_};
      if (std::exchange(over_, true))
        return;
      result_ = std::move(how);
    }
    if (timer_)
      rt_->time().unschedule(*timer_);
    done_.set();
  }

  bool enlist(wait& x) override {
    return done_.enlist(x);
  }

  void forget(wait& x) noexcept override {
    done_.forget(x);
  }

  caf::error take() override {
    std::unique_lock guard{mtx_};
    return result_;
  }

private:
  std::mutex mtx_;
  bool over_ = false;
  caf::error result_;
  wake_flag done_;
  // Set before anybody else knows it.
  std::shared_ptr<runtime> rt_;
  job_ptr timer_;
};

} // namespace

write_awaitable singleton_worker::guarded_put(std::string key,
                                              std::string value) {
  auto call = std::make_shared<pending_write>();
  const auto node = grant_ ? grant_->from() : nullptr;
  if (!node) {
    call->end(
      caf::make_error(errc::cancelled, "\"" + key
                                         + "\" was not written: the worker "
                                           "runs under no grant"));
  } else if (key.empty() || node->is_own_key(key)) {
    call->end(caf::make_error(errc::invalid_argument,
                              key.empty()
                                ? std::string{"guarded_put: the key is empty"}
                                : "guarded_put: the key \"" + key
                                    + "\" is one of troupe's own; choose "
                                      "another one"));
  } else {
    call->limit(node->shared_rt(),
                rules::belief(node->options().directory->ttl()), key);
    node->put_guarded(*grant_, key, value, [call, key](const reply<bool>& x) {
      if (!x)
        call->end(
          caf::make_error(errc::timed_out, "it is not known whether \"" + key
                                             + "\" was written: " + x.error()));
      else if (!*x)
        call->end(caf::make_error(errc::cancelled,
                                  "\"" + key
                                    + "\" was not written: the grant of "
                                      "this worker is gone"));
      else
        call->end({});
    });
  }
  return write_awaitable{std::move(call)};
}

} // namespace troupe::cluster
