// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/answer_awaitable.hpp"
#include "troupe/durable/codec.hpp"
#include "troupe/durable/options.hpp"
#include "troupe/durable/receipt.hpp"
#include "troupe/durable/transaction.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>
#include <caf/type_id.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::durable {

class store_thread;

/// Thrown by `open`: the text names the store, the reason, and what to do.
class store_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The result of `queue::async_put`.
using put_awaitable = detail::answer_awaitable<caf::expected<receipt>>;

/// The part of a queue that does not depend on the type of its jobs. A cheap
/// value; copies share the store. Thread-safe.
class queue_base {
public:
  queue_base() noexcept = default;

  /// The queue of that name in a store.
  /// @throws std::invalid_argument if the name is empty, too long, or no UTF-8.
  queue_base(std::shared_ptr<store_thread> where, std::string name);

  /// The name; empty if it belongs to no store.
  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  /// Where its jobs are, all of it at one moment. Blocks. (J17)
  /// @returns the numbers, or `errc::store_failed` with the store's own text,
  ///          or `errc::would_block` inside a troupe actor.
  [[nodiscard]] caf::expected<queue_totals> count() const;

  /// For the library: the store, or null.
  [[nodiscard]] const std::shared_ptr<store_thread>& where() const noexcept {
    return where_;
  }

protected:
  /// What `put` does with a payload that is written.
  [[nodiscard]] caf::expected<receipt>
  put_payload(std::string type, std::string payload, put_options how) const;

  /// @copydoc put_payload
  [[nodiscard]] caf::expected<receipt>
  put_payload(const transaction& within, std::string type, std::string payload,
              put_options how) const;

  /// What `async_put` does with a payload that is written.
  [[nodiscard]] put_awaitable async_put_payload(std::string type,
                                                std::string payload,
                                                put_options how) const;

  /// The error of a payload that cannot be written.
  [[nodiscard]] static caf::error not_written(const payload_error& why);

  /// @copydoc not_written
  [[nodiscard]] static put_awaitable failed_put(const payload_error& why);

private:
  std::shared_ptr<store_thread> where_;
  std::string name_;
};

/// A queue of jobs in a store. All of its jobs have payloads of one type; those
/// of another one are buried when a worker comes to them. (J13)
/// @tparam T The payload: a type with a CAF type id and an `inspect`.
template <payload_type T>
class queue : public queue_base {
public:
  /// What its jobs hold.
  using payload = T;

  using queue_base::queue_base;

  /// Writes a job. Blocks until it is safe, see `store_options::durability`;
  /// jobs that several threads put at the same time are written together. (J1)
  /// @returns its id, or that of the one with the same unique key; or
  ///          - `errc::store_failed` with the store's own text, when the time
  ///            given is over, which a lock of somebody else, or a write that
  ///            the disk does not finish, may overdraw by a second or more; a
  ///            server that does not answer by 15 s,
  ///          - `errc::invalid_argument` for an option out of its range, or a
  ///            payload that is too large or refuses to be written,
  ///          - `errc::would_block` inside a troupe actor; see `async_put`.
  ///          After an error the job is not in the store, unless the text says
  ///            that this is not known: a connection has broken meanwhile.
  [[nodiscard]] caf::expected<receipt> put(const T& x,
                                           put_options how = {}) const {
    try {
      return put_payload(type_name<T>(), encode(x), std::move(how));
    } catch (const payload_error& e) {
      return not_written(e);
    }
  }

  /// Writes a job in a transaction of the user's own: it is there when, and
  /// only if, that is committed. Workers of other processes, and those of this
  /// one, find it within 50 ms. (J2)
  /// @returns as above; `errc::invalid_argument` too if no transaction is open,
  ///          or it is one of another database.
  [[nodiscard]] caf::expected<receipt>
  put(const transaction& within, const T& x, put_options how = {}) const {
    try {
      return put_payload(within, type_name<T>(), encode(x), std::move(how));
    } catch (const payload_error& e) {
      return not_written(e);
    }
  }

  /// As the first `put`, for coroutines of workers. The write is under way when
  /// this returns, and goes on if the coroutine does not wait for its end.
  ///
  /// ~~~
  /// auto putting = mail.async_put(letter{...}, {.unique = "welcome:17"});
  /// auto written = co_await std::move(putting);
  /// ~~~
  put_awaitable async_put(const T& x, put_options how = {}) const {
    try {
      return async_put_payload(type_name<T>(), encode(x), std::move(how));
    } catch (const payload_error& e) {
      return failed_put(e);
    }
  }
};

/// A database that keeps jobs. A cheap value; copies share it, as queues and
/// workers do, and the last one that goes closes it. Thread-safe.
///
/// The end of the last one writes what has not been written yet, and waits for
/// that, see `store_options::closing_period`. It must not outlive the actor
/// system.
class store {
public:
  store() noexcept = default;

  /// What `open` makes.
  explicit store(std::shared_ptr<store_thread> where) noexcept
    : where_(std::move(where)) {
    // nop
  }

  /// A queue of this store; queues need not be made.
  /// @param name Not empty, at most 200 bytes, without control characters.
  /// @throws std::invalid_argument for another name, or if this is no store.
  template <payload_type T>
  [[nodiscard]] durable::queue<T> queue(std::string name) const {
    return {where_, std::move(name)};
  }

  /// Gives a readable error for a type that cannot be a payload.
  template <class T>
  void queue(std::string) const {
    static_assert(std::is_default_constructible_v<T>,
                  "a job is read back into a payload that is "
                  "default-constructed: give this type such a constructor");
    static_assert(std::is_same_v<T, std::remove_cvref_t<T>>,
                  "the payload of a job is a value: neither a reference nor "
                  "const");
    static_assert(caf::has_type_id_v<T>,
                  "this payload has no CAF type id: write "
                  "CAF_BEGIN_TYPE_ID_BLOCK(my_app, first_custom_type_id) "
                  "CAF_ADD_TYPE_ID(my_app, (my_type)) "
                  "CAF_END_TYPE_ID_BLOCK(my_app) before its first use, and "
                  "name caf::id_block::my_app in CAF_MAIN");
  }

  // -- for people (all of these block, and refuse with `errc::would_block`
  //    inside a troupe actor; else an error is `errc::store_failed`)
  //    -----------

  /// Where the jobs of a queue are, all of it at one moment. (J17)
  [[nodiscard]] caf::expected<queue_totals>
  count(const std::string& queue) const;

  /// The jobs that `which` selects, oldest first. Blocks.
  /// @returns them, or an error as `count` does.
  [[nodiscard]] caf::expected<std::vector<job_record>>
  list(const job_filter& which = {}) const;

  /// Has a buried job wait again, as if it had never been tried.
  /// @returns nothing, or `errc::not_found` if no such job is buried.
  [[nodiscard]] caf::error requeue(job_id id) const;

  /// Deletes a job that waits or is buried.
  /// @returns nothing, or `errc::not_found` if there is no such job.
  [[nodiscard]] caf::error purge(job_id id) const;

private:
  std::shared_ptr<store_thread> where_;
};

/// Opens a store.
///
/// With SQLite: a file, which is made if it is not there, in WAL mode from then
/// on. It may hold tables of the user's; those of troupe begin with `troupe_`.
/// Beside it there is a file with the same name and `-owners` behind it, by
/// which processes know of each other: never delete that one while a program
/// has the store open. All processes must run on one machine.
///
/// With PostgreSQL: a database, for processes on any number of machines. If the
/// server is away, the store waits for it, and workers say `degraded`. Leave
/// the password to libpq's `~/.pgpass` or `PGPASSWORD`.
/// @param where The path of the file, or
/// `postgresql://user@host:port/database`.
/// @throws store_error if it cannot be opened, or the server refuses.
/// @throws std::invalid_argument for an option out of its range.
[[nodiscard]] store open(caf::actor_system& sys, const std::string& where,
                         const store_options& how = {});

} // namespace troupe::durable
