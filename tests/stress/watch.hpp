// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "stress/journal.hpp"
#include "troupe/events.hpp"
#include "troupe/queue_counts.hpp"
#include "troupe/worker_handle.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace stress {

/// The invariants that hold all the time. It ends the program when one does
/// not. Thread-safe.
class watch {
public:
  /// @param patience How long one call may take at most.
  watch(std::uint64_t seed, std::chrono::seconds patience);

  ~watch();

  watch(const watch&) = delete;

  watch& operator=(const watch&) = delete;

  /// Prints seed, invariant, path and the last operations of all threads, and
  /// ends the process with 1.
  [[noreturn]] void violated(std::string_view invariant,
                             const std::string& path,
                             const std::string& details);

  // -- rounds -----------------------------------------------------------------

  /// A scenario begins: nobody runs.
  void begin_round(const char* scenario, std::uint64_t number,
                   std::uint64_t seed);

  /// Its threads and its system are gone.
  void end_round();

  /// A thread that draws operations.
  std::shared_ptr<journal> enlist(std::string owner);

  // -- messages ---------------------------------------------------------------

  /// Each message is in one place. (Q8)
  void adds_up(const std::string& path, const troupe::queue_counts& x);

  /// After the final end nothing is queued, and nothing is in hand. (Q8)
  void is_settled(const std::string& path, const troupe::queue_counts& x);

  /// A worker that nothing will start again is over, and its queue settled.
  void is_over(const troupe::worker_handle& x);

  // -- lives ------------------------------------------------------------------

  /// Code of a life begins to run.
  void enter(const std::string& path, bool first);

  /// That code is gone.
  void leave(const std::string& path);

  /// Code of this path does not return: its lives may be abandoned.
  void allow_stuck(const std::string& path);

  /// Looks at what has happened to a worker.
  void see(const troupe::lifecycle_event& x);

private:
  void look_after_calls();

  bool may_be_stuck(const std::string& path) const;

  const std::uint64_t seed_;
  const std::chrono::seconds patience_;
  mutable std::mutex mtx_;
  std::vector<std::shared_ptr<journal>> journals_;
  std::map<std::string, int> running_;
  std::set<std::string> stuck_;
  std::string round_;
  std::size_t threads_before_ = 0;
  std::jthread monitor_;
};

/// Code of a life, for as long as it is there.
class presence {
public:
  presence(watch& where, std::string path, bool first = false)
    : watch_(where), path_(std::move(path)) {
    watch_.enter(path_, first);
  }

  presence(const presence&) = delete;

  presence& operator=(const presence&) = delete;

  ~presence() {
    watch_.leave(path_);
  }

private:
  watch& watch_;
  std::string path_;
};

} // namespace stress
