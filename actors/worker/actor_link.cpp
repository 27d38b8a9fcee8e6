// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/actor_link.hpp"

#include "worker/worker_actor.hpp"

#include <caf/actor_cast.hpp>

#include <mutex>
#include <tuple>
#include <utility>

namespace troupe::detail {

void actor_link::attach(worker_actor& who) {
  std::unique_lock guard{mtx_};
  actor_ = &who;
  strong_ = caf::strong_actor_ptr{who.ctrl()};
}

caf::strong_actor_ptr actor_link::detach() noexcept {
  std::unique_lock guard{mtx_};
  actor_ = nullptr;
  return std::move(strong_);
}

void actor_link::detach_for_ever() noexcept {
  std::unique_lock guard{mtx_};
  actor_ = nullptr;
  std::ignore = strong_.release();
}

caf::strong_actor_ptr actor_link::let_go() noexcept {
  std::unique_lock guard{mtx_};
  return std::move(strong_);
}

bool actor_link::hold() {
  std::unique_lock guard{mtx_};
  if (actor_ == nullptr)
    return false;
  if (!strong_)
    strong_ = caf::strong_actor_ptr{actor_->ctrl()};
  return true;
}

void actor_link::hold_if_alive() noexcept {
  std::unique_lock guard{mtx_};
  if (!strong_ && actor_ != nullptr)
    strong_ = caf::actor_cast<caf::strong_actor_ptr>(
      caf::weak_actor_ptr{actor_->ctrl()}); // null if it is about to go
}

bool actor_link::is_tied() const {
  std::unique_lock guard{mtx_};
  return actor_ != nullptr;
}

caf::strong_actor_ptr actor_link::seen(bool adopted) const {
  std::unique_lock guard{mtx_};
  return strong_ && (public_ || adopted) ? public_ : strong_;
}

caf::strong_actor_ptr actor_link::show(caf::strong_actor_ptr who) noexcept {
  std::unique_lock guard{mtx_};
  public_.swap(who);
  return who;
}

void actor_link::wake(caf::mailbox_element_ptr spare) noexcept {
  std::unique_lock guard{mtx_};
  if (strong_)
    actor_->deliver_wake(std::move(spare));
}

} // namespace troupe::detail
