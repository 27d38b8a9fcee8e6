// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/notify_rules.hpp"
#include "observer/notify_socket.hpp"
#include "system/stream.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/events.hpp"
#include "troupe/time.hpp"
#include "troupe/worker_handle.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

namespace detail {

class runtime;

} // namespace detail

/// The variables of systemd in the environment, as far as they are set.
struct notify_environment {
  std::optional<std::string> socket;
  std::optional<std::string> watchdog_usec;
  std::optional<std::string> watchdog_pid;

  /// That of this process.
  [[nodiscard]] static notify_environment of_process();
};

/// How often systemd wants to hear from a service.
struct watchdog_terms {
  /// None if it does not, or not from this process.
  std::optional<timespan> period;
  /// The problem with the variables; empty if there is none.
  std::string problem;
};

/// @param pid That of this process.
[[nodiscard]] watchdog_terms read_watchdog(const notify_environment& from,
                                           std::int64_t pid);

/// Asks a supervisor something that it answers when its turn on a scheduler
/// thread comes. Blocks, for `patience` at most.
/// @returns whether it has answered, or has ended meanwhile.
using supervisor_probe
  = std::function<bool(const worker_handle& root, timespan patience)>;

/// The probe that is used: its actor answers in its own turn, unlike calls
/// about its children, which are answered on the thread of whoever makes them.
[[nodiscard]] bool supervisor_answers(const worker_handle& root,
                                      timespan patience);

/// Carries out what `notify_rules` decides: hears the events of an actor
/// system, waits for the time of the next status or watchdog, and sends.
///
/// Events are taken on the thread of their publisher, with locks held: that
/// only notes them down. All else happens on a thread that may block, and on
/// one at a time; the watchdog waits for its answer on another.
class notify_session final
  : public detail::stream<lifecycle_event>::sink,
    public std::enable_shared_from_this<notify_session> {
public:
  using value_ptr = detail::stream<lifecycle_event>::value_ptr;

  /// @param watchdog How often systemd wants to hear from us, or none.
  notify_session(const std::shared_ptr<detail::runtime>& rt,
                 const std::string& address, std::optional<timespan> watchdog,
                 supervisor_probe probe);

  /// Begins to hear events.
  void begin();

  /// Sends what has happened until now, and nothing from then on.
  void finish() noexcept;

  // -- sink --------------------------------------------------------------------

  [[nodiscard]] bool wants(const lifecycle_event&) const noexcept override {
    return true;
  }

  void put(const value_ptr& x) noexcept override;

  void end(bool) noexcept override {
    finish();
  }

  [[nodiscard]] std::uint64_t missed() const noexcept override {
    return 0;
  }

private:
  /// Has `attend` called on a thread that may block.
  void wake() noexcept;

  /// @returns whether there was a thread for it.
  bool run_on_thread(void (notify_session::*what)()) noexcept;

  void attend();

  [[nodiscard]] bool called_again();

  // -- with work_mtx_ held -----------------------------------------------------

  void step(detail::runtime& rt);

  void heed_roots(time_point now);

  void send_status(detail::runtime& rt);

  void queue(std::string message);

  void flush(detail::runtime& rt);

  void begin_watch(detail::runtime& rt);

  [[nodiscard]] worker_census count(detail::runtime& rt) const;

  // -- the watchdog ------------------------------------------------------------

  void check_soon() noexcept;

  void check();

  [[nodiscard]] bool answers(detail::runtime& rt,
                             const std::string& root) const;

  const std::weak_ptr<detail::runtime> rt_;
  const std::optional<timespan> half_period_;
  const supervisor_probe probe_;

  // Left by publishers and the clock.
  std::mutex inbox_mtx_;
  std::vector<value_ptr> of_roots_;
  bool changed_ = false;
  bool working_ = false;
  bool again_ = false;

  // Used by the thread that attends; `finish` takes it from there.
  std::mutex work_mtx_;
  bool ended_ = false;
  bool watching_ = false;
  bool complained_ = false;
  notify_rules rules_;
  notify_socket socket_;
  std::deque<std::string> unsent_;
  time_point retry_at_ = never;
  detail::job_ptr alarm_;
  detail::job_ptr watch_;
};

} // namespace troupe
