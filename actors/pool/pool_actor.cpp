// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pool/pool_actor.hpp"

#include "system/caf_compat.hpp"

#include <utility>

namespace troupe {

pool_actor::pool_actor(caf::actor_config& cfg, cell& home)
  : worker_actor(cfg, home), router_(router_of(home)) {
  // nop
}

bool pool_actor::enqueue(caf::mailbox_element_ptr what,
                         compat::execution_context* ctx) {
  auto& content = what->payload;
  if (content.empty() || what->mid.is_response())
    return worker_actor::enqueue(std::move(what), ctx);
  auto& own = *home().queue();
  auto x = convert(own, *what);
  if (content.empty())
    return false;
  if (!x)
    return worker_actor::enqueue(std::move(what), ctx);
  try {
    x->partition = router_->partition_of(*x);
  } catch (...) {
    cannot_take(own, std::move(x), *what,
                " cannot find the key of a message: ");
    return false;
  }
  if (!what->mid.is_request() || !what->sender)
    return router_->push(std::move(x));
  using receipt = message_queue::receipt;
  auto answer = what->mid.response_id();
  auto result = router_->push_request(std::move(x), what->sender, answer);
  if (result == receipt::held)
    return true; // It is answered later.
  auto taken = result == receipt::taken;
  what->sender->enqueue(
    compat::make_element(
      caf::strong_actor_ptr{ctrl()}, answer,
      taken ? caf::message{}
            : caf::make_message(message_queue::refusal(result, home().path()))),
    ctx);
  return taken;
}

} // namespace troupe
