// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "feeder.hpp"

#include <stop_token>
#include <utility>
#include <variant>

namespace summarise {

feeder::feeder(troupe::pool_ref<summariser> to,
               const std::vector<article>& articles, ledger& results)
  : to_(std::move(to)), articles_(articles), results_(results) {
  // nop
}

// [snippet summarise-feeder]
troupe::task<> feeder::run() {
  for (const auto& each : articles_) {
    // It waits for room, which a stop would not end.
    auto sending = when_any(send_to(to_, each), stop_requested());
    const auto first = co_await std::move(sending);
    if (first.index == 1)
      co_return;
    if (std::get<0>(first.value))
      break; // the pool takes no more: this one will be stopped, too
  }
  // Some are in queues still, or in progress.
  auto wait = [this](std::stop_token stop) { results_.wait(stop); };
  auto waiting = offload(std::move(wait), troupe::thread_use::own);
  co_await std::move(waiting);
}
// [end]

} // namespace summarise
