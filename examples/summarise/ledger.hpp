// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "article.hpp"
#include "inputs.hpp"
#include "screen.hpp"

#include <troupe/dead_letter.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace summarise {

/// What becomes of each input. It stands outside of the tree: those who write
/// into it, on any thread, may fail and begin anew, and it is read when all of
/// them have ended.
class ledger {
public:
  explicit ledger(const std::vector<input>& inputs);

  /// "[2/3] title".
  [[nodiscard]] std::string name_of(const article& which) const;

  /// A summariser begins with an article.
  /// @returns how often that was done, this time included.
  int begin(const article& which);

  /// There is a summary.
  /// @param is_cut Whether it has reached the length that it may have.
  /// @returns how long it took.
  std::chrono::milliseconds finish(const article& which, bool is_cut);

  /// There will be none: an article that nobody handled.
  void bury(const troupe::dead_letter& letter);

  /// Blocks until each article has a summary or has failed for good, or a stop
  /// is asked for.
  void wait(const std::stop_token& stop);

  [[nodiscard]] size_t done() const;

  [[nodiscard]] size_t size() const;

  /// For the final table.
  [[nodiscard]] std::vector<row> rows() const;

private:
  using steady = std::chrono::steady_clock;

  struct entry {
    row shown;
    std::optional<steady::time_point> begun;
    int tries = 0;
    bool done = false;
  };

  entry& at(const article& which);

  /// Keeps how long it took, if it was begun.
  static void stop_clock(entry& which);

  /// One article less to wait for.
  void settle();

  mutable std::mutex mutex_;
  std::condition_variable_any settled_;
  std::vector<entry> entries_;
  size_t open_ = 0;
};

} // namespace summarise
