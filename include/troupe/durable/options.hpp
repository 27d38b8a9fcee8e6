// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::durable {

/// A job that waits for its time refers to the wall clock. Setting the clock
/// moves it; leases do not depend on it.
using troupe::wall_time;

/// The machine's wall clock now. A store that was opened in a `testing::system`
/// has the clock of that: see `worker::wall_now`.
[[nodiscard]] wall_time wall_now() noexcept;

/// The point in time so long from `wall_now()`: `.run_at = in(10min)`.
/// @param delay Any duration. A result that no `wall_time` can hold becomes the
///              nearest one that can.
[[nodiscard]] wall_time in(timespan delay) noexcept;

/// How a durable worker treats its jobs. An aggregate for designated
/// initializers; the order of its members is part of the interface. Durations
/// as in `worker_options`. The constructor of the worker throws
/// `std::invalid_argument` for a value out of its range.
struct options {
  /// How many jobs are in its hands at once. At least 1, at most 1000.
  std::size_t concurrency = 1;

  /// How long a claim holds without being renewed. It is renewed each third of
  /// that while the worker turns: a worker whose code does not return for so
  /// long loses its claims. At least 100 ms. (J9)
  option_time lease = std::chrono::seconds{30};

  /// How long a job may be in hand, from the call of `handle` or the last
  /// `job::extend`, and still have its claim renewed. More than zero. (J9)
  option_time max_run = infinite;

  /// How many failures it takes until a job is buried. At least 1. (J5)
  int max_failures = 10;

  /// How many crashes it takes until a job is buried. At least 1. (J6)
  int max_crashes = 3;

  /// How long a job that has failed waits, by the number of its failures.
  /// @hideinitializer
  retry_backoff backoff = {.initial = std::chrono::seconds{1},
                           .max = std::chrono::hours{1}};

  /// How long a job that is done stays in the store, for people to look at.
  /// With zero it is deleted at once.
  option_time keep_done = timespan{0};
};

/// When what `put` has written is safe.
enum class durability : std::uint8_t {
  /// When `put` returns, whatever happens then: to the process, the machine, or
  /// its power supply.
  power_loss,
  /// When `put` returns, unless the machine goes down soon after. A crash of
  /// the process loses nothing.
  process,
};

/// How a store is opened. An aggregate for designated initializers; the order
/// of its members is part of the interface.
struct store_options {
  /// Which crashes a job that was put survives.
  durable::durability durability = durability::power_loss;

  /// How many bytes the payload of a job may have: a larger one is refused by
  /// `put`. At most 500 MB.
  std::size_t max_payload = std::size_t{16} << 20u;

  /// How long the end of the last handle waits for a store that is away before
  /// it gives up what has not been written yet.
  option_time closing_period = std::chrono::seconds{5};
};

/// The options of one job, for `put`. An aggregate for designated
/// initializers; the order of its members is part of the interface.
struct put_options {
  /// The job waits until then. Left out: it may be claimed at once. (J10)
  wall_time run_at{};

  /// Unless it is empty: a key that at most one job of the queue has while it
  /// waits or runs. At most 1000 bytes. (J11)
  std::string unique = {};

  /// Higher ones are claimed first. From -100 to 100.
  int priority = 0;

  /// How long `put` tries while the store is away or locked.
  option_time within = std::chrono::seconds{10};
};

} // namespace troupe::durable
