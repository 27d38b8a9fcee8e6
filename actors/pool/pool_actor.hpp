// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "pool/router.hpp"
#include "worker/worker_actor.hpp"

#include <memory>

namespace troupe {

/// The actor of a pool: what its workers take goes to one of them.
class pool_actor final : public worker_actor {
public:
  pool_actor(caf::actor_config& cfg, cell& home);

  bool enqueue(caf::mailbox_element_ptr what,
               compat::execution_context* ctx) override;

  using worker_actor::enqueue;

private:
  std::shared_ptr<pool_router> router_;
};

} // namespace troupe
