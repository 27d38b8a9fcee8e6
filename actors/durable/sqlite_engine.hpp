// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "durable/owner_locks.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::durable {

/// Jobs in a file of SQLite's, in its WAL mode.
///
/// An owner is one of these: a number that is never used again, a row of
/// `troupe_owner`, and a locked byte of the file `PATH-owners`. The lock is
/// taken before the row is committed and let go of after it is deleted, so a
/// row whose byte nobody has locked is that of an owner that is gone.
///
/// A claim that is over is found by its number: a job that was claimed again
/// has another one, and one that is not in hand does not run.
class sqlite_engine final : public engine {
public:
  /// Opens the file, and makes what is missing of it and of its tables.
  /// @throws engine_error with the path, the reason and what to do.
  sqlite_engine(const std::string& path, durability how, clocks time = {},
                if_missing then = if_missing::make);

  ~sqlite_engine() override;

  void begin() override;

  void commit() override;

  void rollback() noexcept override;

  receipt put(const new_job& x) override;

  claim_result claim(const claim_order& what) override;

  bool end(const job_end& what) override;

  bool renew(const claim_id& claim, timespan lease) override;

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

  bool someone_is_gone() override;

  std::optional<timespan> next_lease_end() override;

  timespan look_period() const noexcept override {
    return std::chrono::milliseconds{50};
  }

  timespan lease_look_period() const noexcept override {
    return std::chrono::seconds{1};
  }

  bool changed_by_others() override;

  std::vector<std::string> queues() override;

  queue_totals count(const std::string& queue) override;

  std::vector<job_record> list(const job_filter& which) override;

  wall_time wall() const override {
    return time_.wall();
  }

  const std::string& name() const noexcept override {
    return name_;
  }

  receipt put_in(const transaction& tx, const new_job& x) override;

  bool done_in(const transaction& tx, const std::string& queue,
               const claim_id& claim, timespan keep_done) override;

  /// The number of this owner.
  [[nodiscard]] std::int64_t owner() const noexcept {
    return owner_;
  }

private:
  /// How often something happened since `begin`, for one queue.
  struct tally {
    std::int64_t put = 0;
    std::int64_t done = 0;
    std::int64_t purged = 0;
  };

  class running_statement;

  /// Calls `f`; what SQLite or the lock file has to say becomes an
  /// `engine_error`.
  template <class F>
  auto guarded(F f) const;

  /// The statement, prepared once.
  /// @param sql A literal.
  running_statement prepared(const char* sql);

  void open(const std::string& path, durability how, if_missing then);

  void configure(durability how);

  void become_owner();

  receipt write(const new_job& x);

  /// Writes what follows from the end of a claim.
  /// @returns whether the claim held.
  bool apply(const job_end& what);

  /// The highest priority below that one with which jobs wait.
  std::optional<int> next_priority(const std::string& queue, int below);

  std::string name_;
  std::string location_; // the file, as SQLite spells it
  clocks time_;
  std::string boot_;
  std::optional<SQLite::Database> db_;
  // Goes before the database: finalized.
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>>
    statements_;
  std::optional<owner_locks> locks_;
  std::int64_t owner_ = 0;
  std::map<std::string, tally> tallies_;
  std::int64_t data_version_ = -1;
  bool changed_ = true;
  // The other owners, as of the last look; none: look again.
  std::optional<std::vector<std::int64_t>> others_;
};

} // namespace troupe::durable
