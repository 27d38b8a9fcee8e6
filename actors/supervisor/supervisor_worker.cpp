// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/supervisor_worker.hpp"

#include "rules/reasons.hpp"
#include "supervisor/protocol.hpp"
#include "supervisor/supervisor_core.hpp"
#include "troupe/error.hpp"
#include "worker/family.hpp"
#include "worker/worker_actor.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

namespace troupe::detail {

supervisor_worker::supervisor_worker(
  std::shared_ptr<const supervisor_spec> spec)
  : spec_(std::move(spec)) {
  if (!spec_)
    return;
  on_ready_ = spec_->on_ready;
  on_stopped_ = spec_->on_stopped;
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
  if (on_ready_) {
    auto getting_ready = get_ready(*children);
    const auto failed = co_await std::move(getting_ready);
    if (failed)
      co_return;
  }
  {
    supervisor_core::awaiter wait{core, *children, supervisor_core::until::end};
    co_await wait;
  }
  if (auto why = children->why_failed(); why.reason)
    core.link().get()->end_run(std::move(why));
}

namespace {

task<> wait_for_end(worker_core& core, supervisor_core& children) {
  supervisor_core::awaiter wait{core, children, supervisor_core::until::end};
  co_await wait;
}

} // namespace

task<bool> supervisor_worker::get_ready(supervisor_core& children) {
  auto& core = get_core();
  {
    supervisor_core::awaiter wait{core, children,
                                  supervisor_core::until::ready};
    co_await wait;
  }
  if (children.ends() || core.stop_asked())
    co_return false;
  std::exception_ptr thrown;
  try {
    auto either = when_any(on_ready_(), wait_for_end(core, children));
    const auto first = co_await std::move(either);
    if (first.index == 0)
      ready();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (!thrown)
    co_return false;
  auto text = rules::reason(core.subject(), rules::because::failed_to_start,
                            "its on_ready: " + text_of(thrown));
  core.link().get()->end_run(
    failure{caf::make_error(errc::start_failed, std::move(text)), thrown});
  co_return true;
}

task<> supervisor_worker::on_shutdown() {
  return on_stopped_ ? on_stopped_() : task<>::nothing();
}

void supervisor_worker::after_shutdown(const outcome&) {
  // A handle may keep this object, and an argument of a child such a handle:
  // it was never started, perhaps.
  spec_ = nullptr;
  on_ready_ = nullptr;
  on_stopped_ = nullptr;
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
