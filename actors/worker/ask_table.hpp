// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/ask_targets.hpp"
#include "troupe/ask.hpp"

#include <caf/message_id.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::detail {

/// The requests of one worker that wait for their reply. Replies are matched on
/// the replying actor's thread, when they are enqueued.
class ask_table final : public ask_targets::table {
public:
  explicit ask_table(ask_targets& targets);

  ~ask_table();

  /// Adds a request. Ids ascend, so the table stays sorted.
  void add(reply_awaiter& x);

  void remove(reply_awaiter& x) noexcept;

  /// Gives a reply to the request it belongs to and posts that.
  /// @returns whether there is one; if not, `reply` is untouched.
  bool complete(caf::message_id id, caf::message& reply);

  void target_lost(const caf::actor_control_block& whom,
                   const caf::error& why) noexcept override;

private:
  static void end(reply_awaiter& x, caf::message reply) noexcept;

  ask_targets& targets_; // of the runtime, which the worker's core holds
  std::mutex mtx_;
  std::vector<std::pair<caf::message_id, reply_awaiter*>> pending_;
};

/// The error that was the reply to a request: CAF's word for a receiver that is
/// gone becomes that of troupe.
/// @param whom Who was asked, for the text.
[[nodiscard]] caf::error error_in_reply(caf::error what,
                                        const std::string& whom);

} // namespace troupe::detail
