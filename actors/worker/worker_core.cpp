// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/worker_core.hpp"

#include "rules/naming.hpp"
#include "rules/reasons.hpp"
#include "worker/ask_table.hpp"
#include "worker/complaints.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_role.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe::detail {

// -- references ----------------------------------------------------------------

worker_core::worker_core(std::string path,
                         std::shared_ptr<const run_config> config,
                         std::unique_ptr<worker> what, worker_core* parent)
  : core_identity(std::move(path), std::move(config)),
    worker_(std::move(what)) {
  if (parent != nullptr) {
    fixed_ = std::make_unique<core_fittings>();
    fixed_->kin = std::make_unique<kinship>(parent);
    parent->retain();
  }
  worker_->core_ = this;
  queue_ = worker_->make_queue();
  watch();
  rt().add(*this);
}

worker_core::worker_core(std::string path,
                         std::shared_ptr<const run_config> config,
                         std::shared_ptr<message_queue> queue,
                         std::shared_ptr<life_owner> by, std::uint64_t child_id)
  : core_identity(std::move(path), std::move(config), std::move(by), child_id),
    queue_(std::move(queue)) {
  watch();
  rt().add(*this);
}

worker_core::~worker_core() {
  rt().remove(*this);
  delete asks_.load(std::memory_order_relaxed);
  worker_.reset();
  if (auto* mine = kin())
    mine->parent->release();
  if (auto* before = lazy().predecessor)
    before->release();
  if (auto* next = successor_.load(std::memory_order_relaxed))
    next->release();
}

void worker_core::release() noexcept {
  if (!drop_one())
    return;
  // The worker's destructor is the user's code: it must not hold up the clock.
  if (rt().time().fires_here())
    rt().destroy_elsewhere(this);
  else
    delete this;
}

void worker_core::add_handle() noexcept {
  retain();
  count_handle();
}

void worker_core::drop_handle() noexcept {
  if (uncount_handle()) {
    caf::strong_actor_ptr last;
    auto at = stage();
    if (rules::is_final(at)) {
      complaints{*this}.tell_unread();
    } else if (at == rules::stage::created) {
      held guard{mtx_};
      // While the system goes down the actor stays, see `system_closes`.
      if (life_.machine.at() == rules::stage::created && !rt().gone())
        last = link_.let_go();
    } else if (kin() == nullptr && rt().logs(compat::log_info)) {
      rt().log(compat::log_info,
               subject()
                 + " goes on without a handle; the actor system waits for it "
                   "when it goes down (troupe::shutdown_all stops it)");
    }
  }
  release();
}

// -- properties ----------------------------------------------------------------

std::optional<outcome> worker_core::last_outcome() const {
  held guard{mtx_};
  if (life_.end().is_known)
    return life_.end().how;
  return former_ ? std::optional{*former_} : std::nullopt;
}

std::optional<outcome> worker_core::told_outcome() const {
  {
    held guard{mtx_};
    if (has_path_)
      return std::nullopt;
  }
  return last_outcome();
}

caf::error worker_core::reason_to_quit() const {
  held guard{mtx_};
  const auto& how = life_.end().is_known || !former_ ? life_.end().how
                                                     : *former_;
  return how.ok() ? caf::error{} : how.reason();
}

[[gnu::cold]] worker_status worker_core::status() const {
  worker_status result;
  result.name = name();
  result.path = path();
  result.queued = counts().queued;
  held guard{mtx_};
  auto at = life_.machine.at();
  result.state = rules::state_of(at);
  result.phase = phase();
  result.incarnation = incarnation();
  result.holds = life_.holds;
  result.health = reported_health();
  if (result.health != health::healthy)
    result.health_reason = lazy().degraded_because;
  if (auto since = life_.end().stop_asked_at;
      result.state == worker_state::stopping && since != never)
    result.stopping = rt().time().now() - since;
  if (life_.end().is_known) {
    result.ended = true;
    result.last_outcome = life_.end().how;
    result.uptime = life_.end().how.duration();
  } else if (at != rules::stage::created) {
    result.uptime = rt().time().now() - life_.started_at;
  }
  return result;
}

message_sink* worker_core::sink() const noexcept {
  return config().role->sink(*this);
}

queue_counts worker_core::counts() const {
  auto* to = sink();
  return to != nullptr ? to->counts() : queue_counts{};
}

caf::strong_actor_ptr worker_core::actor() const {
  return link_.seen(kind() == child_kind::actor);
}

void worker_core::set_public_actor(caf::strong_actor_ptr who) {
  const auto now = who;
  const auto before = link_.show(std::move(who));
  if (owner() != nullptr)
    owner()->public_actor_changed(*this, before, now);
}

worker* worker_core::finished_worker() const noexcept {
  held guard{mtx_};
  return over_ && life_.machine.at() != rules::stage::abandoned ? worker_.get()
                                                                : nullptr;
}

bool worker_core::finished() const {
  held guard{mtx_};
  return over_;
}

task<> worker_core::hand_over_queue() {
  return worker_->hand_over_queue();
}

// -- the actor -----------------------------------------------------------------

void worker_core::detach() noexcept {
  std::ignore = link_.detach(); // this may be the end of the actor
  held guard{mtx_};
  if (std::exchange(entered_, false))
    rt().uncount_worker();
}

void worker_core::system_closes() noexcept {
  if (stage() == rules::stage::created)
    link_.hold_if_alive();
}

[[gnu::cold]] void worker_core::system_gone() noexcept {
  complaints{*this}.tell_unread();
  caf::strong_actor_ptr last;
  if (stage() == rules::stage::created)
    last = link_.let_go();
  else
    // Something of it still runs on a thread that never came back, and may
    // touch the actor's frames: they stay as they are.
    link_.detach_for_ever();
  std::vector<pending_reply> unanswered;
  {
    held guard{mtx_};
    arm(guard,
        never); // The clock has gone; a deadline would only keep the core.
    if (lazy_)
      unanswered.swap(lazy_->pending_replies);
  }
  // Nobody handles what is queued, and no answer must outlive the system.
  if (queue_)
    queue_->discard(message_queue::fate::handled);
  if (owner() != nullptr && !finished() && rules::is_final(stage()))
    release_waiters(); // There will be no other life.
  if (auto at = stage(); at == rules::stage::created || rules::is_final(at))
    return;
  // It was started in the instant in which the system went down and never comes
  // to its end: those who wait for that are told.
  feed(rules::event::kill,
       {caf::make_error(errc::system_gone,
                        subject()
                          + " did not come to its end: its actor "
                            "system is gone"),
        nullptr});
  feed(rules::event::deadline);
  {
    held guard{mtx_};
    arm(guard, never);
  }
  leave_behind();
}

void worker_core::wake() noexcept {
  if (!at_work_here())
    link_.wake(nullptr);
}

void worker_core::run_on_thread(std::unique_ptr<thread_job> what,
                                thread_use how) {
  rt().offload(std::move(what), how);
}

std::unique_ptr<thread_job> worker_core::take_back(thread_job& what) noexcept {
  return rt().pool().take_back(what);
}

ask_table& worker_core::asks() {
  auto* result = asks_.load(std::memory_order_relaxed);
  if (result == nullptr) {
    result = new ask_table{rt().targets_of_asks()};
    asks_.store(result, std::memory_order_release);
  }
  return *result;
}

} // namespace troupe::detail
