// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/ask.hpp"

#include <caf/message_id.hpp>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The requests of one worker that wait for their reply. Replies are matched on
/// the replying actor's thread, when they are enqueued.
class ask_table {
public:
  /// Adds a request. Ids ascend, so the table stays sorted.
  void add(reply_awaiter& x);

  void remove(reply_awaiter& x) noexcept;

  /// Gives a reply to the request it belongs to and posts that.
  /// @returns whether there is one; if not, `reply` is untouched.
  bool complete(caf::message_id id, caf::message& reply);

private:
  std::mutex mtx_;
  std::vector<std::pair<caf::message_id, reply_awaiter*>> pending_;
};

/// The error that was the reply to a request: CAF's word for a receiver that is
/// gone becomes that of troupe.
/// @param whom Who was asked, for the text.
[[nodiscard]] caf::error error_in_reply(caf::error what,
                                        const std::string& whom);

} // namespace troupe
