// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The health that a worker reports while it runs, and its answers when asked.

#include "worker/status_poll.hpp"
#include "worker/worker_core.hpp"

#include <utility>

namespace troupe::detail {

void worker_core::report_health(health x, std::string why) {
  auto is_well = x == health::healthy;
  {
    held guard{mtx_};
    auto at = life_.machine.at();
    if (at == rules::stage::created || rules::is_final(at)
        || (x == health_.load(std::memory_order_relaxed)
            && why == lazy().degraded_because))
      return;
    health_.store(x, std::memory_order_relaxed);
    make_lazy().degraded_because = why;
    tell(guard);
    if (rt().events().wanted())
      publish(is_well ? event_kind::recovered : event_kind::degraded,
              is_well ? caf::error{}
                      : caf::make_error(errc::degraded,
                                        subject() + " is degraded: " + why));
  }
  auto level = is_well ? compat::log_info : compat::log_warning;
  if (rt().logs(level))
    rt().log(level, path() + " [" + std::to_string(incarnation())
                      + (is_well ? "] is healthy again" : "] is degraded: ")
                      + why);
}

// -- being looked at -----------------------------------------------------------

bool worker_core::ask_status(std::shared_ptr<status_poll> who) {
  held guard{mtx_};
  auto at = life_.machine.at();
  if (at == rules::stage::created || rules::is_final(at))
    return false;
  rt().add_poller(*this, std::move(who));
  add_todo(todo::answer);
  return true;
}

[[gnu::cold]] void worker_core::answer_pollers() {
  auto pollers = rt().take_pollers(*this);
  if (pollers.empty())
    return;
  status_fields fields;
  // Once it has ended, its object may be in other hands.
  auto at = stage();
  if (worker_ && at != rules::stage::created && !rules::is_final(at)) {
    try {
      fields = worker_->describe();
    } catch (...) {
      fields = {{"describe() failed", text_of(std::current_exception())}};
    }
  }
  for (auto& x : pollers)
    x->answer(*this, fields);
}

} // namespace troupe::detail
