// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pool/pool_worker.hpp"

#include "supervisor/supervisor_core.hpp"
#include "troupe/error.hpp"

#include <utility>

namespace troupe::detail {

// -- pool_role -----------------------------------------------------------------

namespace {

class pool_role final : public supervisor_role {
public:
  [[nodiscard]] message_sink*
  sink(const worker_core& x) const noexcept override {
    return router_of(x).get(); // The queue of `x` keeps it.
  }
};

constinit const pool_role role_of_pool{};

} // namespace

const worker_role& role_of_pools() noexcept {
  return role_of_pool;
}

std::shared_ptr<pool_router> router_of(const worker_core& x) {
  return x.config().role == &role_of_pool
           ? std::static_pointer_cast<pool_router>(x.queue()->pool())
           : nullptr;
}

// -- pool_worker ---------------------------------------------------------------

pool_worker::pool_worker(std::shared_ptr<message_queue> own)
  : supervisor_worker(nullptr), own_queue_(std::move(own)) {
  // nop
}

std::shared_ptr<message_queue> pool_worker::make_queue() {
  return std::move(own_queue_);
}

std::shared_ptr<supervisor_core> pool_worker::make_children() {
  auto& core = get_core();
  auto pool = router_of(core);
  return std::make_shared<supervisor_core>(core, pool->begin(), pool);
}

void pool_worker::has_begun(const std::shared_ptr<supervisor_core>& children) {
  router_of(get_core())->set_owner(children);
}

void pool_worker::after_shutdown(const outcome& how) {
  supervisor_worker::after_shutdown(how);
  auto& core = get_core();
  router_of(core)->end(
    caf::make_error(errc::supervisor_stopping, core.subject() + " has ended"));
}

} // namespace troupe::detail
