// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/codec.hpp"
#include "troupe/durable/options.hpp"
#include "troupe/durable/schedule.hpp"
#include "troupe/durable/store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace troupe::durable {

class store_thread;
struct periodic_entry;

/// The options of a periodic job. An aggregate for designated initializers; the
/// order of its members is part of the interface.
struct periodic_options {
  /// Which slots get a job that have begun while no process was there.
  missed_slots missed = missed_slots::once;

  /// Higher ones are claimed first. From -100 to 100.
  int priority = 0;
};

/// Has the jobs of `every` put as long as it lives. A store in which no process
/// has one of these puts no periodic jobs.
class periodic_job {
public:
  periodic_job() noexcept = default;

  /// What `every` makes.
  periodic_job(std::shared_ptr<store_thread> where,
               std::shared_ptr<periodic_entry> what) noexcept;

  periodic_job(periodic_job&& other) noexcept = default;

  periodic_job& operator=(periodic_job&& other) noexcept;

  /// No job is put for a slot that begins later. Never waits for the store,
  /// unless this is the last one that holds it.
  ~periodic_job();

private:
  std::shared_ptr<store_thread> where_;
  std::shared_ptr<periodic_entry> what_;
};

/// The part of `every` that does not depend on the type.
[[nodiscard]] periodic_job
put_periodically(const queue_base& to, std::string name, const schedule& when,
                 std::string type, std::string payload,
                 const periodic_options& how);

/// Puts a job once for each slot of a schedule, however many processes call
/// this with the same queue and name: all of them may, and the job is put as
/// long as one of them is there. (J12)
///
/// ~~~
/// auto daily = troupe::durable::every(mail, "digest", 24h, letter{"all", ""});
/// auto nightly = troupe::durable::every(
///   mail, "report", troupe::cron("0 3 * * 1-5", "Europe/Berlin"), letter{});
/// ~~~
///
/// The store remembers the last slot of each name, so a slot gets no second job
/// when its first one is done and gone, and the next process knows of the slots
/// that were missed. A name that is new has missed none: its first job comes
/// with the next slot. Where the processes differ, the schedule of the one that
/// is first at a slot counts. Thread-safe.
/// @param name Not empty, at most 200 bytes, without control characters. The
///             unique key of a job is the name, an `@`, and the slot; its
///             `run_at` is the slot.
/// @param when A length of time, or a `troupe::cron`.
/// @param x The payload of each of the jobs.
/// @throws std::invalid_argument for a name or an option out of its range, a
///         queue that belongs to no store, or a payload that is too large.
/// @throws payload_error if the `inspect` of `x` refuses.
template <payload_type T>
[[nodiscard]] periodic_job every(const queue<T>& to, std::string name,
                                 const schedule& when, const T& x,
                                 const periodic_options& how = {}) {
  return put_periodically(to, std::move(name), when, type_name<T>(), encode(x),
                          how);
}

} // namespace troupe::durable
