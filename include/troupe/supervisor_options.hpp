// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

/// The kind of a child.
enum class child_kind : std::uint8_t { worker, supervisor, actor };

/// @relates child_kind
constexpr detail::name_list<3> names_of(child_kind) noexcept {
  return {"worker", "supervisor", "actor"};
}

/// How a supervisor treats the other children when one is to be restarted.
enum class strategy : std::uint8_t {
  /// Nothing: that child alone is restarted, in its place.
  one_for_one,
  /// Stops them all in reverse order, and starts all in order.
  one_for_all,
  /// Does so with those after it; those before are untouched.
  rest_for_one,
  /// There is no restart: the whole group is stopped.
  stop_all,
  /// For many children that come and go at run time: no order among them, each
  /// restarted alone, all stopped at once.
  dynamic,
};

/// When a child that has ended by itself is started again.
enum class restart : std::uint8_t {
  /// Always.
  permanent,
  /// After a failure; a normal end is an end.
  transient,
  /// Never; its spec goes with it.
  temporary,
};

/// How many restarts a supervisor takes before it gives up: the restart after
/// `max_restarts` within `within` is one too many.
struct restart_intensity {
  /// How many restarts it takes; one more, and it gives up. Not negative.
  int max_restarts = 3;
  /// The length of time in which they count.
  option_time within = std::chrono::seconds{5};
};

/// How long a child that failed waits for its restart: the n-th time
/// `min(max, initial * factor^n * (1 + jitter * U(-1, 1)))`, n counted from 0.
/// A child with a backoff does not count against its supervisor's intensity.
struct restart_backoff {
  /// The first delay; zero means no backoff.
  option_time initial = timespan{0};
  /// No delay is longer.
  option_time max = std::chrono::seconds{30};
  /// How much longer each wait is than the one before; 1 or more.
  double factor = 2.0;
  /// Between 0 and 1.
  double jitter = 0.2;
  /// Once the child has been ready for so long, n is 0 again.
  option_time reset_after = std::chrono::minutes{1};
};

/// A limit of a child's own: the failure after `failures` within `within` is
/// one too many. Zero failures: no limit.
struct restart_limit {
  /// How many it may have in that time; zero: any number.
  int failures = 0;
  /// The length of time in which they count.
  option_time within = std::chrono::minutes{1};
};

/// How a supervisor reacts when a child has passed its `restart_limit`.
enum class on_give_up : std::uint8_t {
  /// The supervisor gives up.
  escalate,
  /// The child stays stopped, the others go on.
  leave_stopped,
};

// GCC before 13 takes the enumerator for one that hides `troupe::never`.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"

/// When a supervisor stops because its significant children have ended.
enum class auto_shutdown : std::uint8_t {
  never,
  /// One of them has ended by itself, and is not restarted.
  any_significant,
  /// The last of them has.
  all_significant,
  /// One of them is over, be it by itself or because it was stopped on purpose.
  any_significant_over,
  /// The last of them is.
  all_significant_over,
};

#pragma GCC diagnostic pop

/// How a supervisor treats one child. An aggregate for designated initializers;
/// the order of its members is part of the interface.
struct child_options {
  /// When it is started again.
  troupe::restart restart = troupe::restart::permanent;

  /// How long a restart waits.
  restart_backoff backoff = {};

  /// When to stop trying.
  restart_limit give_up_after = {};

  /// And what happens then; `leave_stopped` needs a limit.
  troupe::on_give_up on_give_up = troupe::on_give_up::escalate;

  /// Whether its end can end the supervisor, see `auto_shutdown`.
  bool significant = false;

  /// How it is run; its name is that of the child. An option that means nothing
  /// for it is an error: a nested supervisor or pool takes only `start_timeout`
  /// of these, as its spec says the rest; a plain CAF actor has no `queue`,
  /// `readiness` or `watchdog`. (S1)
  worker_options worker = {};
};

/// @relates strategy
constexpr detail::name_list<5> names_of(strategy) noexcept {
  return {"one_for_one", "one_for_all", "rest_for_one", "stop_all", "dynamic"};
}

/// @relates restart
constexpr detail::name_list<3> names_of(restart) noexcept {
  return {"permanent", "transient", "temporary"};
}

/// @relates auto_shutdown
constexpr detail::name_list<5> names_of(auto_shutdown) noexcept {
  return {"never", "any_significant", "all_significant", "any_significant_over",
          "all_significant_over"};
}

} // namespace troupe
