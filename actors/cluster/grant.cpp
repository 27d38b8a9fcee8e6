// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/grant.hpp"

#include "rules/deadlines.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "worker/worker_core.hpp"

#include <utility>

namespace troupe::cluster {

using namespace detail;

bool grant::attach(const worker_handle& who) {
  std::unique_lock guard{mtx_};
  if (over_)
    return false;
  worker_ = who;
  return true;
}

worker_handle grant::worker() const {
  std::unique_lock guard{mtx_};
  return worker_;
}

bool grant::is_over() const {
  std::unique_lock guard{mtx_};
  return over_;
}

void grant::stop(const std::string& why) {
  std::unique_lock guard{mtx_};
  over_ = true;
  const auto who = worker_;
  guard.unlock();
  if (!who)
    return;
  const auto reason = caf::make_error(errc::cancelled, why);
  access::core_of(who)->request_stop(worker_core::queue_at_stop::discard,
                                     troupe::rules::stop_limits{}, false,
                                     &reason);
}

void grant::forget() noexcept {
  std::unique_lock guard{mtx_};
  const auto who = std::exchange(worker_, {});
  guard.unlock();
}

void grant::force() {
  std::unique_lock guard{mtx_};
  over_ = true;
  const auto who = worker_;
  guard.unlock();
  who.force_stop();
}

} // namespace troupe::cluster
