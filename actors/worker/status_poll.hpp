// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/status_fields.hpp"
#include "troupe/time.hpp"
#include "troupe/tree_status.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace troupe::detail {

/// Asks workers for an answer that only their own code can give, and waits for
/// it, but not for long: a worker that sits in code that does not return has
/// none. Thread-safe.
class status_poll : public std::enable_shared_from_this<status_poll> {
public:
  /// Asks all of them and waits until each has answered, or for `patience`.
  /// @pre the calling thread may block
  static std::shared_ptr<const status_poll>
  hold(runtime& rt, std::vector<core_ptr> whom, timespan patience);

  /// Notes the answer of `who`, on its own thread.
  void answer(const worker_core& who, status_fields fields);

  /// Adds what has become of the question to `who`: its fields, whether it
  /// answers, and whether there was too little time to know.
  void describe(const worker_core& who, tree_status& to) const;

  /// Whether `who` was asked, had all the time there was, and said nothing.
  [[nodiscard]] bool is_mute(const worker_core& who) const;

private:
  struct reply {
    bool in_time = false; // asked early enough to count as mute
    std::optional<status_fields> said;
  };

  void overlook(const core_ptr& who);

  void ask(const core_ptr& who, bool in_time);

  void withdraw(const worker_core& who);

  [[nodiscard]] std::size_t awaited() const;

  std::vector<core_ptr> whom_; // so that an address means one core
  mutable std::mutex mtx_;
  std::condition_variable fewer_;
  std::size_t awaited_ = 0;
  std::unordered_map<const worker_core*, reply> replies_;
};

/// Whether the code of `who` returns within `patience`; at once if it has none
/// that runs.
/// @pre the calling thread may block
[[nodiscard]] bool answers(const core_ptr& who, timespan patience);

} // namespace troupe::detail
