// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/worker_core.hpp"

#include "rules/naming.hpp"
#include "rules/reasons.hpp"
#include "worker/ask_table.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_role.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

// -- references ----------------------------------------------------------------

worker_core::worker_core(std::string path,
                         std::shared_ptr<const run_config> config,
                         std::unique_ptr<worker> what, worker_core* parent)
  : config_(std::move(config)),
    path_(std::move(path)),
    worker_(std::move(what)) {
  if (parent != nullptr) {
    fixed_ = std::make_unique<fixed_part>();
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
  : config_(std::move(config)),
    path_(std::move(path)),
    queue_(std::move(queue)),
    owner_(std::move(by)),
    child_id_(child_id) {
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

bool worker_core::try_retain() noexcept {
  auto n = refs_.load(std::memory_order_relaxed);
  while (n != 0)
    if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed))
      return true;
  return false;
}

void worker_core::release() noexcept {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  // The worker's destructor is the user's code: it must not hold up the clock.
  if (rt().time().fires_here())
    rt().destroy_elsewhere(this);
  else
    delete this;
}

void worker_core::add_handle() noexcept {
  retain();
  handles_.fetch_add(1, std::memory_order_relaxed);
}

void worker_core::drop_handle() noexcept {
  if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    caf::strong_actor_ptr last;
    auto at = stage();
    if (at == rules::stage::created) {
      // Dropped outside of the locks: this can be the end of the actor.
      std::unique_lock guard{mtx_};
      std::unique_lock wake_guard{wake_mtx_};
      // While the system goes down the actor stays, see `system_closes`.
      if (lifecycle_.at() == rules::stage::created && !rt().gone())
        last = std::move(strong_);
    } else if (!rules::is_final(at) && kin() == nullptr
               && rt().logs(compat::log_info)) {
      rt().log(compat::log_info,
               subject()
                 + " goes on without a handle; the actor system waits for it "
                   "when it goes down (troupe::shutdown_all stops it)");
    }
  }
  release();
}

// -- properties ----------------------------------------------------------------

bool worker_core::frozen() const noexcept {
  switch (stage()) {
    case rules::stage::forcing:
    case rules::stage::cleanup_forcing:
    case rules::stage::killing:
    case rules::stage::abandoned:
      return true;
    default:
      return false;
  }
}

std::string worker_core::subject() const {
  return rules::subject(path_);
}

std::optional<outcome> worker_core::last_outcome() const {
  std::unique_lock guard{mtx_};
  if (end().is_known)
    return end().how;
  return former_ ? std::optional{*former_} : std::nullopt;
}

std::string worker_core::cause_of(const caf::error& reason) const {
  auto text = text_of(reason);
  if (reason != errc::child_failed && kind() != child_kind::supervisor)
    return text;
  return std::string{rules::first_cause(text, subject())};
}

bool worker_core::ended_smoothly() const {
  std::unique_lock guard{mtx_};
  const auto& how = end().how;
  return end().is_known && how.ok() && how.blockers().empty();
}

caf::error worker_core::reason_to_quit() const {
  std::unique_lock guard{mtx_};
  const auto& how = end().is_known || !former_ ? end().how : *former_;
  return how.ok() ? caf::error{} : how.reason();
}

worker_status worker_core::status() const {
  worker_status result;
  result.name = name();
  result.path = path_;
  result.queued = counts().queued;
  std::unique_lock guard{mtx_};
  auto at = lifecycle_.at();
  result.state = rules::state_of(at);
  result.phase = phase();
  result.incarnation = incarnation();
  result.holds = holds_;
  result.health = reported_health();
  if (result.health != health::healthy)
    result.health_reason = lazy().degraded_because;
  if (auto since = end().stop_asked_at;
      result.state == worker_state::stopping && since != never)
    result.stopping = rt().time().now() - since;
  if (end().is_known) {
    result.ended = true;
    result.last_outcome = end().how;
    result.uptime = end().how.duration();
  } else if (at != rules::stage::created) {
    result.uptime = rt().time().now() - started_at_;
  }
  return result;
}

child_kind worker_core::kind() const noexcept {
  return config_->role->kind();
}

message_sink* worker_core::sink() const noexcept {
  return config_->role->sink(*this);
}

queue_counts worker_core::counts() const {
  auto* to = sink();
  return to != nullptr ? to->counts() : queue_counts{};
}

std::size_t worker_core::holds() const {
  std::unique_lock guard{mtx_};
  return holds_;
}

caf::strong_actor_ptr worker_core::actor() const {
  const auto adopted = kind() == child_kind::actor;
  std::unique_lock guard{wake_mtx_};
  return strong_ && (public_actor_ || adopted) ? public_actor_ : strong_;
}

void worker_core::set_public_actor(caf::strong_actor_ptr who) {
  auto now = who;
  {
    std::unique_lock guard{wake_mtx_};
    public_actor_.swap(who);
  }
  if (owner_)
    owner_->public_actor_changed(*this, who, now);
}

worker* worker_core::finished_worker() const noexcept {
  std::unique_lock guard{mtx_};
  return over_ && lifecycle_.at() != rules::stage::abandoned ? worker_.get()
                                                             : nullptr;
}

bool worker_core::finished() const {
  std::unique_lock guard{mtx_};
  return over_;
}

time_point worker_core::stopping_since() const {
  std::unique_lock guard{mtx_};
  return end().stop_asked_at;
}

bool worker_core::was_ready() const {
  std::unique_lock guard{mtx_};
  return ready_;
}

bool worker_core::cleanup_due() const {
  std::unique_lock guard{mtx_};
  return lifecycle_.cleanup_due();
}

bool worker_core::goes_well() const {
  std::unique_lock guard{mtx_};
  auto so_far = lifecycle_.verdict();
  return so_far == rules::verdict::open || so_far == rules::verdict::normal;
}

task<> worker_core::hand_over_queue() {
  return worker_->hand_over_queue();
}

// -- the actor -----------------------------------------------------------------

void worker_core::attach(worker_actor& who) {
  std::unique_lock guard{wake_mtx_};
  actor_ = &who;
  strong_ = caf::strong_actor_ptr{who.ctrl()};
}

void worker_core::detach() noexcept {
  caf::strong_actor_ptr last;
  {
    std::unique_lock guard{wake_mtx_};
    actor_ = nullptr;
    last = std::move(strong_);
  }
  last = nullptr;
  std::unique_lock guard{mtx_};
  if (std::exchange(entered_, false))
    rt().uncount_worker();
}

void worker_core::system_closes() noexcept {
  std::unique_lock guard{wake_mtx_};
  if (!strong_ && actor_ != nullptr && stage() == rules::stage::created)
    strong_ = caf::actor_cast<caf::strong_actor_ptr>(
      caf::weak_actor_ptr{actor_->ctrl()}); // null if it is about to go
}

void worker_core::system_gone() noexcept {
  caf::strong_actor_ptr last;
  {
    std::unique_lock guard{wake_mtx_};
    last = std::move(strong_);
    if (stage() != rules::stage::created) {
      // Something of it still runs on a thread that never came back, and may
      // touch the actor's frames: they stay as they are.
      actor_ = nullptr;
      static_cast<void>(last.release());
    }
  }
  std::vector<pending_reply> unanswered;
  {
    std::unique_lock guard{mtx_};
    arm(never); // The clock has gone; a deadline would only keep the core.
    if (lazy_)
      unanswered.swap(lazy_->pending_replies);
  }
  // Nobody handles what is queued, and no answer must outlive the system.
  if (queue_)
    queue_->discard(message_queue::fate::handled);
  if (owner_ && !finished() && rules::is_final(stage()))
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
    std::unique_lock guard{mtx_};
    arm(never);
  }
  leave_behind();
}

void worker_core::wake() noexcept {
  if (!at_work_here())
    wake_actor(nullptr);
}

void worker_core::wake_actor(caf::mailbox_element_ptr spare) noexcept {
  std::unique_lock guard{wake_mtx_};
  if (strong_)
    actor_->deliver_wake(std::move(spare));
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
    result = new ask_table;
    asks_.store(result, std::memory_order_release);
  }
  return *result;
}

// -- waits ---------------------------------------------------------------------

void worker_core::enlist(idle_wait& x) noexcept {
  x.previous_idle_ = nullptr;
  x.next_idle_ = idle_waits_;
  if (idle_waits_ != nullptr)
    idle_waits_->previous_idle_ = &x;
  idle_waits_ = &x;
}

void worker_core::delist(idle_wait& x) noexcept {
  if (x.previous_idle_ != nullptr)
    x.previous_idle_->next_idle_ = x.next_idle_;
  else
    idle_waits_ = x.next_idle_;
  if (x.next_idle_ != nullptr)
    x.next_idle_->previous_idle_ = x.previous_idle_;
  x.previous_idle_ = &x;
}

void worker_core::wake_waits() noexcept {
  sleep_wake_due_ = true;
  // A coroutine woken here is resumed later, so the list stays as it is.
  for (auto* i = idle_waits_; i != nullptr; i = i->next_idle_)
    i->stop_asked();
}

bool worker_core::must_pause(bool got_message) noexcept {
  nones_ = got_message ? 0 : static_cast<std::uint16_t>(nones_ + 1);
  if (nones_ <= 1)
    return turn_over();
  note_pause();
  return true;
}

bool worker_core::turn_over() noexcept {
  if (++unpaused_ < next_look_)
    return false;
  if (unpaused_ < rules::turn_steps && !out_of_time()) {
    next_look_ = static_cast<std::uint16_t>(
      std::min(rules::next_look(unpaused_), rules::turn_steps));
    return false;
  }
  note_pause();
  return true;
}

} // namespace troupe
