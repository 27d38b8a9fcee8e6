// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/shell.hpp"

#include "pool/router.hpp"
#include "supervisor/nursery.hpp"
#include "worker/worker_actor.hpp"

#include <stdexcept>
#include <utility>

namespace troupe {

supervisor_shell::supervisor_shell(std::shared_ptr<const supervisor_spec> spec)
  : spec_(std::move(spec)) {
  // nop
}

supervisor_shell::supervisor_shell(std::shared_ptr<message_queue> own)
  : own_queue_(std::move(own)) {
  // nop
}

std::shared_ptr<message_queue> supervisor_shell::make_queue() {
  return std::move(own_queue_);
}

task<> supervisor_shell::on_startup() {
  auto& home = get_cell();
  // Paths would mean the one or the other.
  if (home.kept_by() == nullptr && !home.claim_path())
    throw std::runtime_error{"another supervisor of that name runs already; "
                             "give one of them another name"};
  auto pool = router_of(home);
  home.set_brood(std::make_shared<nursery>(
    home, pool ? pool->begin() : std::move(spec_), pool));
  co_return;
}

task<> supervisor_shell::run() {
  auto& home = get_cell();
  auto children = std::static_pointer_cast<nursery>(home.get_brood());
  children->start();
  if (auto pool = router_of(home))
    pool->kept_by(children);
  {
    nursery::end_awaiter end{home, *children};
    co_await end;
  }
  if (auto why = children->why_failed(); why.reason)
    home.actor_object()->end_run(std::move(why));
}

void supervisor_shell::after_shutdown(const outcome&) {
  // A handle may keep this object, and an argument of a child such a handle:
  // it was never started, perhaps.
  spec_ = nullptr;
  auto& home = get_cell();
  if (auto pool = router_of(home))
    pool->end(caf::make_error(errc::supervisor_stopping,
                              home.subject() + " has ended"));
}

bool is_supervisor(const cell& x) noexcept {
  return *x.terms().type == typeid(supervisor_shell) || router_of(x) != nullptr;
}

} // namespace troupe
