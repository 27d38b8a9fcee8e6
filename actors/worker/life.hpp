// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/deadlines.hpp"
#include "rules/lifecycle.hpp"
#include "rules/settings.hpp"
#include "troupe/detail/lasting.hpp"
#include "troupe/detail/read_mark.hpp"
#include "troupe/outcome.hpp"
#include "troupe/time.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace troupe::detail {

class worker_core;

/// Why a life ends badly.
struct failure {
  caf::error reason;
  std::exception_ptr thrown;
};

/// The facts about the end of a life; made when an end is first asked for.
struct end_record {
  outcome how;
  bool is_known = false; // how
  read_mark read;        // of a failure that somebody may read
  time_point stop_asked_at = never;
  caf::error why_stopped; // if a reason was given
  time_point grace_over = never;
  time_point forced_since = never;
  rules::stop_limits limits;
  timespan hung_for{0};
  bool told_last = false;
  bool force_asked = false;
  bool abandon_due = false; // when its children are over
  // As after_shutdown() was told of it, which has not returned.
  std::shared_ptr<const end_record> before;
};

/// News of a child. Its owner takes note of them before they are published.
enum class news : std::uint8_t { none, ready, end };

/// One life of a worker; the next one is another value. The lock of the core
/// guards it.
struct life {
  /// @param now When it began, or `never`.
  explicit life(time_point now = never) noexcept : started_at(now) {
    // nop
  }

  /// Whether it was ended before it was started.
  [[nodiscard]] bool was_dropped() const noexcept {
    return started_at == never && rules::is_final(machine.at());
  }

  /// Whether the end waits for children and handlers, and `on_shutdown()` is
  /// still to come.
  [[nodiscard]] bool joins() const noexcept {
    return !in_cleanup && rules::is_closing(machine.at());
  }

  /// Whether the coroutines are to be destroyed, so that no child may begin. In
  /// `on_shutdown()`, which follows, children can be started again.
  [[nodiscard]] bool is_forced() const noexcept;

  /// Whether it has neither failed nor been forced so far.
  [[nodiscard]] bool goes_well() const noexcept;

  /// Whether it has ended normally, and nothing else is to be said about that.
  [[nodiscard]] bool ended_smoothly() const noexcept;

  [[nodiscard]] bool cleanup_due() const noexcept {
    return machine.cleanup_due();
  }

  /// When a stop was asked for.
  [[nodiscard]] time_point stopping_since() const noexcept {
    return end().stop_asked_at;
  }

  [[nodiscard]] const end_record& end() const noexcept {
    return known_end ? *known_end : none_of<end_record>();
  }

  [[nodiscard]] end_record& make_end() {
    if (!known_end)
      known_end = std::make_unique<end_record>();
    return *known_end;
  }

  /// When the grace period of a stop ends at the latest. A supervisor has until
  /// the reserve is used up, since its children have until then; and so has a
  /// worker that was told last.
  [[nodiscard]] time_point grace_limit(bool is_supervisor) const noexcept {
    return is_supervisor || end().told_last ? end().limits.force
                                            : end().limits.soft;
  }

  /// Until when `on_shutdown()`, and what comes before it, may take.
  [[nodiscard]] time_point
  cleanup_deadline(time_point now, const rules::periods& periods) const;

  /// Remembers why and how it ends.
  /// @param todo The actions that the lifecycle asks for.
  void note_outcome(rules::action todo, failure& why, const worker_core& of,
                    bool is_supervisor);

  /// The supervisor's report of who was in the way when it stopped.
  void note_blockers(stop_report who) {
    make_end().how.blockers_ = std::move(who);
  }

  rules::lifecycle machine;
  news untold = news::none;
  bool ready = false;
  bool in_cleanup = false; // in on_shutdown(), or past it
  std::uint32_t holds = 0;
  time_point started_at;
  std::unique_ptr<end_record> known_end;

private:
  [[nodiscard]] std::string why_forced(const rules::periods& periods,
                                       bool is_supervisor) const;

  [[nodiscard]] caf::error why_abandoned(const worker_core& of) const;
};

/// Renders a duration for a text that people read.
[[nodiscard]] std::string render(timespan x);

} // namespace troupe::detail
