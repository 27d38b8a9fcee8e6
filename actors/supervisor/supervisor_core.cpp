// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/supervisor_core.hpp"

#include "rules/naming.hpp"
#include "supervisor/supervisor_worker.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/spawn.hpp"
#include "worker/stop_report.hpp"
#include "worker/worker_actor.hpp"

#include <utility>

namespace troupe::detail {

namespace {

supervisor_spec without_children(const supervisor_spec& x) {
  return {x.name,
          x.strategy,
          x.intensity,
          x.auto_shutdown,
          x.concurrent,
          x.max_children,
          x.stopping_grace_period};
}

/// Leaves its memory for the next turn, unless that is very much.
template <class T>
void empty(std::vector<T>& xs) noexcept {
  constexpr std::size_t most_kept = 64;
  if (xs.capacity() > most_kept)
    std::exchange(xs, {});
  else
    xs.clear();
}

} // namespace

supervisor_core::supervisor_core(
  worker_core& core, std::shared_ptr<const supervisor_spec> spec,
  const std::shared_ptr<child_listener>& listener)
  : rt_(core.shared_rt()),
    spec_(std::move(spec)),
    group_(without_children(*spec_)),
    path_(core.path()),
    subject_(core.subject()),
    has_hook_(spec_->on_ready != nullptr),
    listener_(listener),
    rules_(group_rules_of(*spec_),
           static_cast<std::uint64_t>(
             rt_->time().now().time_since_epoch().count())
             ^ std::hash<std::string>{}(path_)),
    supervisor_(core) {
  rules_.ask_what_is_left([this](child_id who) { return has_to_finish(who); });
}

child_listener::~child_listener() = default;

// -- events --------------------------------------------------------------------

void supervisor_core::run_serially(unique_function<void()> event,
                                   serial_queue::kind which) noexcept {
  if (!events_.enter(event, which))
    return;
  // The holder of the last reference may go in here.
  auto self = shared_from_this();
  do {
    run_event(std::move(event));
    if (!gone_.empty()) {
      run_on(event);
      return;
    }
  } while (events_.next(event));
}

/// Goes on with the events, and lets go of the children that are gone when the
/// turn is over: the destructors are the user's, and may take long.
void supervisor_core::run_on(unique_function<void()>& event) noexcept {
  std::optional<child_record> one; // mostly; it takes no memory
  std::vector<child_record> more;
  for (;;) {
    if (!one && gone_.size() == 1) {
      one.emplace(std::move(gone_.front()));
      gone_.clear();
    } else if (more.empty()) {
      more.swap(gone_);
    } else {
      empty(gone_);
    }
    if (!events_.next(event))
      return;
    run_event(std::move(event));
  }
}

/// One turn: the event, with the lock held, and then what follows from it.
void supervisor_core::run_event(unique_function<void()> event) noexcept {
  {
    std::unique_lock guard{mtx_};
    guard_ = &guard;
    event();
    rules_.take(commands_);
  }
  event = nullptr;
  // The event is true for a caller who acts on it, because the rules know it by
  // now. It is published before the commands that follow from it.
  for (auto& x : told_)
    x->tell();
  empty(told_);
  for (auto& x : commands_)
    carry_out(x);
  for (auto who : begin_)
    begin_now(who);
  for (auto who : again_)
    stop_life(who);
  empty(commands_);
  empty(begin_);
  empty(again_);
  for (auto& x : finished_)
    x.call->finish(std::move(x.result));
  empty(finished_);
}

/// The call is done when what this turn brings has been carried out.
/// @pre `mtx_` is held
void supervisor_core::done(call_ptr call, child_result result) {
  finished_.push_back({std::move(call), std::move(result)});
}

// -- the supervisor's side -------------------------------------------------------

void supervisor_core::start() {
  over_.store(false, std::memory_order_release);
  run_serially([this] {
    if (rules_.at() != rules::group_stage::created) {
      // A stop was quicker: there will be no children.
      over_.store(true, std::memory_order_release);
      if (supervisor_.get() != nullptr)
        family{*supervisor_}.group_over();
      return;
    }
    for (auto& x : spec_->children) {
      auto plan = plan_of(rt_, x);
      const auto who = rules_.add(plan.rules);
      add_child(who, make_child(std::move(plan)));
    }
    // All that is needed of the spec is known now. The arguments of the
    // children may hold a handle to this supervisor: a cycle.
    spec_ = nullptr;
    rules_.start(now());
  });
}

failure supervisor_core::why_failed() const {
  std::unique_lock guard{mtx_};
  return failure_;
}

bool supervisor_core::ends() const {
  std::unique_lock guard{mtx_};
  return ending_;
}

void supervisor_core::stop(const rules::stop_limits& limits) noexcept {
  // Before the calls that wait, of which there may be very many.
  news([this, limits] {
    auto before = limits_;
    limits_ = rules::tighten(limits_, limits);
    auto under_way = rules_.at() == rules::group_stage::stopping;
    rules_.stop(now());
    if (limits_ == before && under_way)
      return;
    limits_changed();
  });
}

/// Children that are being stopped have less time from now on.
/// @pre `mtx_` is held
void supervisor_core::limits_changed() {
  auto hurry = [this] {
    if (hurried_ || rules_.at() != rules::group_stage::stopping)
      return;
    hurried_ = true;
    rules_.hurry(now());
  };
  if (soft_)
    rt_->time().unschedule(*soft_);
  soft_ = job_ptr{};
  if (limits_.soft <= now()) {
    hurry();
  } else if (limits_.soft != never) {
    soft_ = make_job([weak = weak_from_this(), hurry] {
      if (auto self = weak.lock())
        self->news(hurry);
    });
    rt_->time().schedule(*soft_, limits_.soft);
  }
  tell_again();
}

/// Those that are being stopped are told so once more after this turn: the
/// limits have changed.
/// @pre `mtx_` is held
void supervisor_core::tell_again() {
  // Those that are being forgotten are unknown to the rules already.
  children_.for_each([this](const child_record& x) {
    if (rules_.contains(x.id)
        && rules_.at(x.id) == rules::child_stage::stopping)
      again_.push_back(x.id);
  });
}

void supervisor_core::force() noexcept {
  news([this] {
    if (forced_)
      return;
    forced_ = true;
    rules_.stop(now());
    if (rules_.at() == rules::group_stage::stopping) {
      hurried_ = true;
      rules_.hurry(now());
    }
    tell_again();
  });
}

bool supervisor_core::over() const noexcept {
  return over_.load(std::memory_order_acquire);
}

void supervisor_core::orphan() noexcept {
  news([this] {
    supervisor_ = core_ptr{};
    rules_.stop(now());
  });
  news([this] { let_go(); });
}

/// Lets go of the children, who hold this, once nobody asks for them.
/// @pre `mtx_` is held
void supervisor_core::let_go() {
  if (supervisor_.get() != nullptr || !over())
    return;
  for (auto& x : children_.take_all())
    gone_.push_back(std::move(x));
}

// -- owner ---------------------------------------------------------------------

std::unique_ptr<worker> supervisor_core::make_object(worker_core& who) {
  std::shared_ptr<const child_factory> factory;
  auto others_are_due = false;
  {
    std::unique_lock guard{mtx_};
    has_begun(who.child_id());
    others_are_due = !due_.empty() && beginning_ <= most_beginning / 2;
    // The arguments of an only life go when that has been made of them.
    if (auto* x = children_.find(who.child_id()); x == nullptr)
      factory = nullptr;
    else if (rules_.contains(x->id) && rules_.lives_once(x->id))
      factory = std::move(x->factory);
    else
      factory = x->factory;
  }
  if (others_are_due)
    news([this] { begin_next(); });
  // Forgotten already: it will not live long, but it must live.
  if (!factory)
    throw start_error{caf::make_error(errc::stopped_before_ready,
                                      std::string{"its supervisor has "
                                                  "forgotten it"})};
  auto result = factory->make(who.link().get()->home_system());
  if (!result)
    throw start_error{
      caf::make_error(errc::start_failed, std::string{"its factory returned "
                                                      "null"})};
  return result;
}

void supervisor_core::child_ready(worker_core& who, bool tell) noexcept {
  if (auto listener = listener_.lock())
    listener->child_ready(who);
  if (tell)
    news([this, what = core_ptr{who}]() mutable {
      note_ready(what->child_id(), what->config().on_stop);
      told_.push_back(std::move(what));
    });
  else
    // The turn may be taken on another processor. Do not touch the core there.
    news([this, id = who.child_id(), mode = who.config().on_stop] {
      note_ready(id, mode);
    });
}

/// @pre `mtx_` is held
void supervisor_core::note_ready(child_id who, on_stop mode) {
  auto* x = children_.find(who);
  if (x == nullptr)
    return;
  x->mode = mode;
  rules_.child_ready(who, now());
  x->take_starts([this, x](call_ptr call) {
    auto child = call->knows_child() ? worker_handle{} : x->handle;
    done(std::move(call), {{}, std::move(child)});
  });
}

void supervisor_core::child_ended(worker_core& who) noexcept {
  if (auto listener = listener_.lock())
    listener->child_ended(who);
  news([this, what = core_ptr{who}] {
    has_begun(what->child_id());
    begin_next();
    auto smoothly = what->look(&life::ended_smoothly);
    auto how = smoothly ? std::nullopt : what->last_outcome();
    auto normal = smoothly || (how && how->kind() == outcome_kind::normal);
    if (how && rules_.at() == rules::group_stage::stopping)
      note_late(*what, *how);
    if (how && !normal) {
      last_failure_ = {how->reason(), how->thrown()};
      // Most have nobody to blame but themselves.
      last_end_ = what->kind() == child_kind::supervisor
                    ? what->cause_of(how->reason())
                    : std::string{};
    } else if (normal && rules_.at() != rules::group_stage::stopping) {
      last_failure_ = {};
      last_end_ = what->subject() + " ended normally";
    }
    auto end = normal ? rules::child_end::normal : rules::child_end::failed;
    if (const auto at = what->stage();
        at == rules::stage::force_stopped || at == rules::stage::abandoned)
      end = rules::child_end::forced;
    rules_.child_ended(what->child_id(), end, now());
    told_.push_back(what);
  });
}

/// Whether it, or somebody below it, is to blame if the stop takes long.
/// @pre `mtx_` is held
void supervisor_core::note_late(const worker_core& who, const outcome& how) {
  late_.insert(late_.end(), how.blockers().begin(), how.blockers().end());
  // A supervisor was only waiting for those.
  if (how.blockers().empty()
      && (how.kind() == outcome_kind::forced || how.abandoned()))
    late_.push_back(describe_blocker(who, now()));
}

void supervisor_core::stop_wanted(worker_core& who, on_stop mode) noexcept {
  run_serially([this, what = core_ptr{who}, mode] {
    auto* x = children_.find(what->child_id());
    if (x == nullptr)
      return;
    x->mode = mode;
    rules_.terminate_child(what->child_id(), now());
  });
}

void supervisor_core::public_actor_changed(worker_core& who,
                                           const caf::strong_actor_ptr& before,
                                           const caf::strong_actor_ptr& now) {
  std::unique_lock guard{mtx_};
  adopted_.erase(before.get());
  if (now)
    adopted_.insert_or_assign(now.get(), who.child_id());
}

void supervisor_core::marked_healthy(worker_core& who) noexcept {
  run_serially([this, id = who.child_id()] { rules_.mark_healthy(id); });
}

// -- helpers -------------------------------------------------------------------

/// @pre `mtx_` is held
worker_handle supervisor_core::handle_of(child_id who) const {
  const auto* x = children_.find(who);
  return x != nullptr ? x->handle : worker_handle{};
}

/// Whether something is queued for a child that it is to finish, or to hand
/// over, before it is over for good, and there is time for that.
/// @pre `mtx_` is held
bool supervisor_core::has_to_finish(child_id who) const {
  if (forced_ || limits_.force <= now())
    return false;
  const auto* x = children_.find(who);
  auto* queue = x != nullptr ? access::core_of(x->handle)->queue() : nullptr;
  if (queue == nullptr)
    return false;
  const auto listener = listener_.lock();
  const auto wanted = x->mode != on_stop::discard
                      || (listener && listener->drains());
  return wanted && queue->holds_any();
}

/// Its spec is gone, and with it all that is known of a child.
/// @pre `mtx_` is held
void supervisor_core::forget(child_id who) {
  auto x = children_.take(who);
  if (x.kind == child_kind::supervisor)
    --supervisors_;
  gone_.push_back(std::move(x));
}

/// Makes the first core of a child, and what is known of it apart from its id.
child_record supervisor_core::make_child(child_plan plan) {
  child_record x;
  x.handle = access::make<worker_handle>(make_child_core(
    rules::child_path(path_, plan.name), std::move(plan.config),
    plan.factory->make_queue(), plan.queue, shared_from_this()));
  x.kind = plan.factory->kind();
  x.factory = std::move(plan.factory);
  x.mode = plan.queue.on_stop;
  return x;
}

/// @pre `mtx_` is held
child_record& supervisor_core::add_child(child_id who, child_record x) {
  x.id = who;
  access::core_of(x.handle)->set_child_id(who);
  if (x.kind == child_kind::supervisor)
    ++supervisors_;
  return children_.add(std::move(x));
}

/// The core for the next life of a child whose actor is gone for good.
/// @pre `mtx_` is held
worker_handle supervisor_core::make_successor(const child_record& x) {
  return access::make<worker_handle>(
    make_next_core(*access::core_of(x.handle), shared_from_this()));
}

time_point supervisor_core::now() const noexcept {
  return rt_->time().now();
}

// -- awaiter -------------------------------------------------------------------

supervisor_core::awaiter::awaiter(worker_core& core, supervisor_core& what,
                                  until which) noexcept
  : idle_wait(core), what_(&what), which_(which) {
  // nop
}

supervisor_core::awaiter::~awaiter() {
  std::unique_lock guard{what_->mtx_};
  if (what_->awaiter_ == this)
    what_->awaiter_ = nullptr;
}

bool supervisor_core::awaiter::watch() {
  std::unique_lock guard{what_->mtx_};
  if (what_->ending_ || get_core().stop_asked()
      || (which_ == until::ready && what_->ready_)) {
    withdraw();
    return false;
  }
  what_->awaiter_ = this;
  enlist();
  return true;
}

void supervisor_core::awaiter::stop_asked() noexcept {
  std::unique_lock guard{what_->mtx_};
  if (what_->awaiter_ == this) {
    what_->awaiter_ = nullptr;
    post();
  }
}

} // namespace troupe::detail
