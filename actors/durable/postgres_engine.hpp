// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "durable/postgres_connection.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::durable {

/// Jobs in a database of PostgreSQL's.
///
/// One connection, which is made when it is needed, and made anew when it was
/// lost. An owner is one of these: a row of `troupe_owner`, in which each
/// transaction writes its number. A claim is over when its lease is, by the
/// server's clock: nobody can tell a process that is gone from a connection
/// that is. No statement waits for a transaction of somebody else's, but those
/// of `requeue` and `purge`.
class postgres_engine final : public engine {
public:
  /// Makes the tables, if the server is there; if not, it is waited for, unless
  /// the tables are to be there.
  /// @param url As libpq takes it.
  /// @throws engine_error if the server refuses, or the text is no URL, with
  ///         the reason and what to do.
  postgres_engine(const std::string& url, durability how,
                  if_missing then = if_missing::make);

  ~postgres_engine() override;

  void begin() override;

  void commit() override;

  bool was_committed() override;

  void rollback() noexcept override;

  receipt put(const new_job& x) override;

  std::vector<put_answer> put_all(std::span<const new_job* const> xs) override;

  claim_result claim(const claim_order& what) override;

  bool end(const job_end& what) override;

  std::vector<outcome> end_all(std::span<const job_end* const> xs) override;

  bool renew(const claim_id& claim, timespan lease) override;

  std::vector<bool> renew_all(std::span<const renewal> xs) override;

  std::size_t recover() override;

  void forget_done() override;

  bool requeue(job_id id) override;

  bool purge(job_id id) override;

  std::optional<wall_time> last_slot(const std::string& queue,
                                     const std::string& name) override;

  void note_slot(const std::string& queue, const std::string& name,
                 wall_time slot) override;

  bool is_ready(const std::string& queue) override;

  std::optional<wall_time> next_run_at(const std::string& queue) override;

  /// A lease has to end; see `next_lease_end`.
  bool someone_is_gone() override {
    return false;
  }

  std::optional<timespan> next_lease_end() override;

  bool changed_by_others() override;

  timespan look_period() const noexcept override {
    return std::chrono::seconds{5};
  }

  timespan lease_look_period() const noexcept override {
    return std::chrono::seconds{5};
  }

  int news_file() const noexcept override {
    return db_ ? db_->file() : -1;
  }

  bool has_news() const noexcept override {
    return db_ && db_->has_news();
  }

  std::vector<std::string> queues() override;

  queue_totals count(const std::string& queue) override;

  std::vector<job_record> list(const job_filter& which) override;

  /// The server's clock, as it was told of late.
  wall_time wall() const override;

  const std::string& name() const noexcept override {
    return name_;
  }

  receipt put_in(const transaction& tx, const new_job& x) override;

  bool done_in(const transaction& tx, const std::string& queue,
               const claim_id& claim, timespan keep_done) override;

private:
  /// How often something happened since `begin`, for one queue.
  struct tally {
    std::int64_t put = 0;
    std::int64_t done = 0;
    std::int64_t purged = 0;
  };

  /// Calls `f` with the connection. If that is lost, it is given up.
  template <class F>
  auto with_db(F f);

  /// The connection, which is made if there is none.
  postgres_connection& db();

  void configure(postgres_connection& x);

  void become_owner(postgres_connection& x);

  /// The former connection of this owner may still be there, and have locks.
  void end_former(postgres_connection& x);

  void give_up_connection() noexcept;

  void write_tallies(postgres_connection& x);

  /// Writes some jobs, each of which gets its answer.
  void write(std::span<const new_job* const> xs,
             std::vector<put_answer>& answers);

  void note_time(std::int64_t micros);

  /// The connection of a transaction in this database.
  PGconn* connection_of(const transaction& tx) const;

  const std::string url_;
  const durability how_;
  const if_missing then_;
  std::string name_;
  std::optional<postgres_connection> db_;
  std::int64_t owner_ = 0;
  std::int64_t batch_ = 0;
  std::optional<std::int64_t> unsure_; // the number of a batch
  // The process of the server's that has our connection, and when it began.
  std::string process_;
  std::map<std::string, tally> tallies_;
  std::uint64_t tallies_written_ = 0;
  bool changed_ = false; // since `begin`
  bool tell_ = false;    // others, of jobs that wait
  bool listens_ = false;
  std::chrono::microseconds ahead_{0}; // the server's clock, of the steady one

  mutable std::mutex mtx_;
  std::string store_; // with it: the id of the store; empty: not known yet
};

} // namespace troupe::durable
