// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"
#include "troupe/durable/periodic.hpp"
#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The decisions about a durable job, without a database: values and functions
/// of them.
namespace troupe::durable::rules {

/// Where a job is. The numbers are those in the tables of a store.
enum class job_state : std::uint8_t { waiting, running, buried, done };

/// How a claim has come to its end.
enum class ending : std::uint8_t {
  /// The handler has returned.
  returned,
  /// It has thrown.
  failed,
  /// It has returned, and the transaction in which it had ended the job has not
  /// been committed.
  uncommitted,
  /// It has returned, and asked for the job to come again later.
  snoozed,
  /// It has returned, and given the job up.
  given_up,
  /// A worker that stops gives back what it had not begun.
  not_begun,
  /// The handler was destroyed by a force or a kill.
  forced,
  /// The owner of the claim is gone, or has not renewed it.
  crashed,
  /// The payload cannot be read.
  unreadable,
};

/// @relates ending
[[nodiscard]] constexpr ending last_ending() noexcept {
  return ending::unreadable;
}

/// How often a job has gone wrong.
struct tries {
  int failures = 0;
  int crashes = 0;

  friend bool operator==(const tries&, const tries&) = default;
};

/// When it is too often.
struct limits {
  int max_failures = 10;
  int max_crashes = 3;
  retry_backoff backoff = {};
};

/// The consequences of an ending.
struct decision {
  job_state next;
  tries after;
  /// How long a job that waits again does so; none: it keeps its place.
  std::optional<timespan> delay;

  friend bool operator==(const decision&, const decision&) = default;
};

/// Decides over a job that was in hand. (J4 to J7, J13)
/// @param before What was counted before.
/// @param snooze How long a job that was snoozed waits.
/// @param u A sample between -1 and 1 for the jitter of the backoff.
[[nodiscard]] decision after(ending how, tries before, const limits& limit,
                             timespan snooze, double u) noexcept;

/// The limits that follow from what a handler's failure is to mean: a `retry`
/// says how often, `skip` buries at once, `fail` leaves what the options say.
/// (J5)
[[nodiscard]] limits limits_for(const on_error& policy,
                                const limits& given) noexcept;

// -- claims -------------------------------------------------------------------

/// The most jobs that a worker claims ahead of those that it can begin.
inline constexpr std::size_t most_ahead = 64;

/// How many jobs a worker asks for, beside those that it has: as many as it can
/// begin, and ahead of that as many as it will have begun after 20 ms. So a
/// worker whose jobs take long claims none that others could begin. (J3)
/// @param held How many it has, begun or not.
/// @param mean How long a job takes of late; zero or less: not known.
[[nodiscard]] std::size_t room_for(std::size_t concurrency, std::size_t held,
                                   timespan mean) noexcept;

/// How many of the jobs that are ready, in their order, a worker claims. One
/// that has crashed before may be to blame for that, or may have been beside
/// the one to blame: it is claimed alone, by a worker with empty hands, so that
/// the next crash tells. If the hands do not become empty, it is claimed all
/// the same after a while. (J6)
/// @param crashes Of each job.
/// @param hands_empty Whether the worker has none in hand.
/// @param patient Whether it can go on waiting for its hands to become empty.
[[nodiscard]] std::size_t claim_of(std::span<const int> crashes,
                                   bool hands_empty, bool patient) noexcept;

/// How long a worker waits for its hands to become empty.
inline constexpr timespan patience = std::chrono::seconds{10};

/// When a claim is to be renewed that was made or renewed at `since`. (J9)
[[nodiscard]] time_point renew_at(time_point since, timespan lease) noexcept;

/// Whether a claim may be renewed.
/// @param begun When the handler began, or asked for more time; `never` if it
///              has not begun.
[[nodiscard]] bool may_renew(time_point begun, timespan max_run,
                             time_point now) noexcept;

// -- what users say -----------------------------------------------------------

/// Says what is wrong; empty: nothing.
[[nodiscard]] std::string check(const options& x);

/// @copydoc check
[[nodiscard]] std::string check(const store_options& x);

/// @copydoc check
[[nodiscard]] std::string check(const put_options& x);

/// Says what is wrong with the name of a queue; empty: nothing.
[[nodiscard]] std::string check_queue_name(std::string_view name);

/// Says what is wrong with the name of a periodic job; empty: nothing.
[[nodiscard]] std::string check_periodic_name(std::string_view name);

/// @copydoc check
[[nodiscard]] std::string check(const periodic_options& x);

// -- periodic jobs ------------------------------------------------------------

/// The unique key of the job of a slot.
[[nodiscard]] std::string slot_key(std::string_view name, wall_time slot);

} // namespace troupe::durable::rules
