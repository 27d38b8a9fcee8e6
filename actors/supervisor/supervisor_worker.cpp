// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/supervisor_worker.hpp"

#include "supervisor/protocol.hpp"
#include "supervisor/supervisor_core.hpp"
#include "worker/family.hpp"
#include "worker/worker_actor.hpp"

#include <stdexcept>
#include <utility>

namespace troupe::detail {

supervisor_worker::supervisor_worker(
  std::shared_ptr<const supervisor_spec> spec)
  : spec_(std::move(spec)) {
  // nop
}

task<> supervisor_worker::on_startup() {
  auto& core = get_core();
  // Paths would mean the one or the other.
  if (core.owner() == nullptr && !core.claim_path())
    throw std::runtime_error{"another supervisor of that name runs already; "
                             "give one of them another name"};
  family{core}.set_group(make_children());
  co_return;
}

std::shared_ptr<supervisor_core> supervisor_worker::make_children() {
  return std::make_shared<supervisor_core>(get_core(), std::move(spec_),
                                           nullptr);
}

void supervisor_worker::has_begun(const std::shared_ptr<supervisor_core>&) {
  // nop
}

task<> supervisor_worker::run() {
  auto& core = get_core();
  auto children
    = std::static_pointer_cast<supervisor_core>(family{core}.group());
  children->start();
  has_begun(children);
  {
    supervisor_core::end_awaiter end{core, *children};
    co_await end;
  }
  if (auto why = children->why_failed(); why.reason)
    core.link().get()->end_run(std::move(why));
}

void supervisor_worker::after_shutdown(const outcome&) {
  // A handle may keep this object, and an argument of a child such a handle:
  // it was never started, perhaps.
  spec_ = nullptr;
}

bool supervisor_role::handle_call(worker_core& x,
                                  caf::mailbox_element& what) const {
  if (!is_child_call(what.payload))
    return false;
  handle_child_call(x, what);
  return true;
}

namespace {

class plain_supervisor_role final : public supervisor_role {};

constinit const plain_supervisor_role plain_supervisor{};

} // namespace

const worker_role& role_of_supervisors() noexcept {
  return plain_supervisor;
}

} // namespace troupe::detail
