// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/systemd.hpp"

#include "observer/notify_session.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"

#include <unistd.h>

#include <exception>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

std::shared_ptr<notify_session> open_session(const std::shared_ptr<runtime>& rt,
                                             const notify_environment& from) {
  const auto watchdog = read_watchdog(from, ::getpid());
  if (!watchdog.problem.empty())
    rt->log(compat::log_error, "systemd_notifier: " + watchdog.problem);
  try {
    auto result = std::make_shared<notify_session>(rt, *from.socket,
                                                   watchdog.period,
                                                   &supervisor_answers);
    result->begin();
    return result;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (...) {
    rt->log(compat::log_error,
            "systemd_notifier: " + text_of(std::current_exception())
              + "; systemd is told nothing");
    return nullptr;
  }
}

} // namespace

systemd_notifier::systemd_notifier(caf::actor_system& sys) {
  const auto from = notify_environment::of_process();
  if (from.socket && !from.socket->empty())
    session_ = open_session(runtime::of(sys), from);
}

systemd_notifier::~systemd_notifier() {
  if (session_)
    session_->finish();
}

} // namespace troupe
