// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/fwd.hpp>

#include <memory>

namespace troupe {

class notify_session;

/// Tells systemd how a service is, if systemd has started it and wants to know:
/// a unit with `Type=notify`. Make one before the tree is run, and let it go
/// afterwards:
///
/// ~~~
/// int caf_main(caf::actor_system& sys) {
///   troupe::systemd_notifier notify{sys};
///   return troupe::run(sys, pipeline());
/// }
/// ~~~
///
/// It sends, to the socket that the environment variable `NOTIFY_SOCKET` names:
///
/// - `READY=1` when the first supervisor that has nobody above it is ready;
/// - `STOPPING=1` when that one is asked to stop, begins to stop by itself, or
///   has ended;
/// - `STATUS=` with how many workers run, back off and stop, during a stop with
///   those it waits for, and at the end with how that was; `systemctl status`
///   shows it. Once a second at most, but for the last one, and only if it has
///   changed;
/// - `WATCHDOG=1` each half of `WATCHDOG_USEC` from `READY=1` on, if the unit
///   has a `WatchdogSec`. Before each one that supervisor is asked something,
///   which it answers on a thread of CAF's scheduler when its turn comes. As
///   long as it does not answer, none is sent, and each half period the log
///   gets a warning: so a service whose scheduler is stuck is restarted. From
///   its end on nobody sends any; a program that has long to do after `run`
///   needs a longer `WatchdogSec`.
///
/// Without `NOTIFY_SOCKET` it does nothing at all, and costs nothing. Problems
/// with the variables or the socket are written to the log of the actor system,
/// and the service runs on. No worker ever waits for systemd: the socket does
/// not block, and messages it does not take are sent later.
///
/// The variables stay as they are. A child process inherits them, and may send
/// messages too unless the unit has `NotifyAccess=main`.
///
/// Thread-safe as any value is. It may be destroyed after the actor system.
class systemd_notifier {
public:
  /// Reads the environment. Throws nothing but `std::bad_alloc`.
  explicit systemd_notifier(caf::actor_system& sys);

  systemd_notifier(const systemd_notifier&) = delete;

  systemd_notifier& operator=(const systemd_notifier&) = delete;

  /// Sends what has happened until now, as far as the socket takes it.
  ~systemd_notifier();

  /// Whether there is somebody to tell.
  [[nodiscard]] bool active() const noexcept {
    return session_ != nullptr;
  }

private:
  std::shared_ptr<notify_session> session_;
};

} // namespace troupe
