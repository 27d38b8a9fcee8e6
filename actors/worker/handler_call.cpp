// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/handler_call.hpp"

#include "base/linked_list.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"

namespace troupe::detail {

handler_call::handler_call()
  : core_(worker_core::current()),
    content_(core_->link().get()->current_mailbox_element()->payload),
    promise_(core_->link().get()->make_response_promise()),
    fiber_(*core_) {
  // nop
}

handler_call::~handler_call() = default;

handler_call& handler_call::adopt(std::unique_ptr<handler_call> x) {
  auto& result = *x.release();
  result.core_->link().get()->adopt(result);
  return result;
}

void handler_call::begun() {
  worker_core::current()->link().get()->handler_begun();
}

void handler_call::fail(const std::exception_ptr& what) {
  promise_.deliver(handler_failed(what));
}

void handler_call::done() {
  core_->link().get()->handler_done(*this);
}

void handler_call::cancelled() {
  core_->link().get()->handler_cancelled(*this);
}

void handler_call::link(handler_call*& first) noexcept {
  link_first(*this, first, &handler_call::next_, &handler_call::previous_);
}

void handler_call::unlink(handler_call*& first) noexcept {
  detail::unlink(*this, first, &handler_call::next_, &handler_call::previous_);
}

plain_handler_scope::plain_handler_scope()
  : actor_(worker_core::current()->link().get()),
    outer_(actor_->watch_failure(&failure_)) {
  // nop
}

plain_handler_scope::~plain_handler_scope() {
  actor_->watch_failure(outer_);
  // Before CAF looks whether the handler has called quit().
  actor_->outlive_quit();
}

caf::error handler_failed(const std::exception_ptr& what) {
  auto& core = *worker_core::current();
  auto err = caf::make_error(errc::worker_failed,
                             core.subject()
                               + " failed in a handler: " + text_of(what));
  core.link().get()->end_run(failure{err, what});
  return err;
}

void respond_with(const caf::error& err) {
  worker_core::current()->link().get()->make_response_promise().deliver(err);
}

} // namespace troupe::detail
