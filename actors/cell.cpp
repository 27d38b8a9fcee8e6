// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cell.hpp"

#include "ask_table.hpp"
#include "worker_actor.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::string render(timespan x) {
  if (x == infinite)
    return "infinite";
  return caf::deep_to_string(x);
}

} // namespace

// -- references ----------------------------------------------------------------

cell::cell(std::shared_ptr<runtime> home, profile who,
           std::unique_ptr<worker> what, cell* parent)
  : home_(std::move(home)),
    who_(std::move(who)),
    parent_(parent),
    worker_(std::move(what)) {
  if (parent_ != nullptr)
    parent_->retain();
  worker_->cell_ = this;
  queue_ = worker_->make_queue();
  home_->add(*this);
}

cell::~cell() {
  home_->remove(*this);
  delete asks_.load(std::memory_order_relaxed);
  worker_.reset();
  if (parent_ != nullptr)
    parent_->release();
}

bool cell::try_retain() noexcept {
  auto n = refs_.load(std::memory_order_relaxed);
  while (n != 0)
    if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed))
      return true;
  return false;
}

void cell::release() noexcept {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  // The worker's destructor is the user's code: it must not hold up the clock.
  if (home_->time().fires_here())
    home_->destroy_elsewhere(this);
  else
    delete this;
}

void cell::add_handle() noexcept {
  retain();
  handles_.fetch_add(1, std::memory_order_relaxed);
}

void cell::drop_handle() noexcept {
  if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    caf::strong_actor_ptr last;
    auto at = stage();
    if (at == rules::stage::created) {
      // Dropped outside of the locks: this can be the end of the actor.
      std::unique_lock guard{mtx_};
      std::unique_lock wake_guard{wake_mtx_};
      if (lifecycle_.at() == rules::stage::created)
        last = std::move(strong_);
    } else if (!rules::is_final(at) && parent_ == nullptr
               && home_->logs(compat::log_info)) {
      home_->log(compat::log_info,
                 subject()
                   + " goes on without a handle; the actor system waits for it "
                     "when it goes down (troupe::shutdown_all stops it)");
    }
  }
  release();
}

// -- properties ----------------------------------------------------------------

bool cell::frozen() const noexcept {
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

std::string cell::subject() const {
  return "worker \"" + who_.name + "\" (" + who_.path + ")";
}

std::optional<outcome> cell::last_outcome() const {
  std::unique_lock guard{mtx_};
  if (!has_outcome_)
    return std::nullopt;
  return outcome_;
}

worker_status cell::status() const {
  worker_status result;
  result.name = who_.name;
  result.path = who_.path;
  if (queue_)
    result.queued = queue_->counts().queued;
  std::unique_lock guard{mtx_};
  auto at = lifecycle_.at();
  result.state = rules::state_of(at);
  result.phase = rules::phase_of(at);
  result.holds = holds_;
  if (has_outcome_) {
    result.ended = true;
    result.last_outcome = outcome_;
    result.uptime = outcome_.duration();
  } else if (at != rules::stage::created) {
    result.uptime = home_->time().now() - started_at_;
  }
  return result;
}

std::size_t cell::holds() const {
  std::unique_lock guard{mtx_};
  return holds_;
}

caf::strong_actor_ptr cell::actor() const {
  std::unique_lock guard{wake_mtx_};
  return strong_;
}

worker* cell::finished_worker() const noexcept {
  std::unique_lock guard{mtx_};
  return over_ && lifecycle_.at() != rules::stage::abandoned ? worker_.get()
                                                             : nullptr;
}

time_point cell::stopping_since() const {
  std::unique_lock guard{mtx_};
  return stop_asked_at_;
}

bool cell::was_ready() const {
  std::unique_lock guard{mtx_};
  return ready_;
}

bool cell::cleanup_due() const {
  std::unique_lock guard{mtx_};
  return lifecycle_.cleanup_due();
}

// -- lifecycle -----------------------------------------------------------------

caf::error cell::start() {
  {
    std::unique_lock guard{mtx_};
    if (lifecycle_.at() != rules::stage::created) {
      auto text = subject() + " was started before and is "
                  + to_string(rules::state_of(lifecycle_.at()))
                  + "; a worker is started once: spawn another one";
      return caf::make_error(errc::already_started, std::move(text));
    }
    if (!home_->enter())
      return caf::make_error(errc::system_gone,
                             subject()
                               + " cannot be started: its actor system is gone");
    {
      std::unique_lock wake_guard{wake_mtx_};
      if (actor_ == nullptr) {
        home_->leave();
        return caf::make_error(errc::system_gone,
                               subject() + " cannot be started: its actor is "
                                           "gone");
      }
      if (!strong_)
        strong_ = caf::strong_actor_ptr{actor_->ctrl()};
    }
    entered_ = true;
    started_at_ = home_->time().now();
    failure none;
    apply(lifecycle_.feed(rules::event::start), none);
  }
  log_transition(rules::stage::created, rules::stage::starting);
  return {};
}

void cell::request_stop(on_stop mode, time_point limit) {
  auto from = rules::stage::created;
  {
    std::unique_lock guard{mtx_};
    from = lifecycle_.at();
    if (from == rules::stage::created || rules::is_final(from))
      return;
    stop_limit_ = std::min(stop_limit_, limit);
    if (rules::stop_asked(from)) {
      // The stop is under way; all that can change is that it gets shorter.
      if (stop_limit_ < grace_over_
          && (from == rules::stage::draining
              || from == rules::stage::starting_stop))
        arm(grace_over_ = stop_limit_);
      return;
    }
    stop_asked_at_ = home_->time().now();
    if (queue_)
      queue_->close(mode == on_stop::drain);
    failure none;
    apply(lifecycle_.feed(rules::event::stop), none);
  }
  if (queue_ && mode == on_stop::discard)
    queue_->discard(message_queue::leave::handled);
  log_transition(from, stage());
}

void cell::force() {
  {
    std::unique_lock guard{mtx_};
    if (stop_asked_at_ == never)
      stop_asked_at_ = home_->time().now();
  }
  feed(rules::event::force);
}

void cell::kill(caf::error reason) {
  feed(rules::event::kill, {std::move(reason), nullptr});
}

void cell::drop_unstarted(caf::error reason) noexcept {
  {
    std::unique_lock guard{mtx_};
    if (lifecycle_.at() != rules::stage::created)
      return;
    failure why{std::move(reason), nullptr};
    apply(lifecycle_.feed(rules::event::kill), why);
    todo_.store(0, std::memory_order_relaxed);
  }
  if (queue_)
    queue_->discard(message_queue::leave::handled);
  release_waiters();
}

void cell::ready_called() {
  feed(rules::event::became_ready);
}

void cell::add_hold() {
  std::unique_lock guard{mtx_};
  ++holds_;
}

void cell::drop_hold() noexcept {
  std::unique_lock guard{mtx_};
  if (--holds_ == 0)
    add_todo(todo::holds_changed);
}

void cell::feed(rules::event e, failure why) {
  auto from = rules::stage::created;
  auto to = from;
  {
    std::unique_lock guard{mtx_};
    from = lifecycle_.at();
    auto what = lifecycle_.feed(e);
    to = lifecycle_.at();
    apply(what, why);
  }
  log_transition(from, to);
  if (to == rules::stage::ready && from != to)
    send_replies(lifecycle_awaiter::what::ready);
}

/// Carries out what `what` asks for, or puts it down for the actor.
/// @pre `mtx_` is held
void cell::apply(rules::action what, failure& why) {
  using enum rules::action;
  auto has = [what](rules::action x) { return rules::has(what, x); };
  stage_view_.store(lifecycle_.at(), std::memory_order_release);
  note_outcome(what, why);
  auto now = [this] { return home_->time().now(); };
  if (has(arm_start_timeout))
    arm(deadline_after(now(), who_.periods.start_timeout));
  if (has(arm_grace)) {
    grace_over_ = rules::grace_deadline(now(), who_.periods.grace, stop_limit_);
    arm(grace_over_);
  }
  if (has(arm_cleanup))
    arm(rules::cleanup_deadline(now(), stop_asked_at_ != never, grace_over_,
                                who_.periods));
  if (has(arm_force))
    arm(deadline_after(now(), who_.periods.force));
  if (has(disarm))
    arm(never);
  if (has(announce_ready)) {
    ready_ = true;
    announce(lifecycle_awaiter::what::ready);
  }
  auto jobs = todo::none;
  if (has(begin_startup))
    jobs = jobs | todo::begin_startup;
  if (has(begin_run))
    jobs = jobs | todo::begin_run;
  if (has(begin_close))
    jobs = jobs | todo::begin_close;
  if (has(destroy_frame))
    jobs = jobs | todo::destroy_frame;
  if (has(rules::action::wake_waits))
    jobs = jobs | todo::wake_waits;
  if (has(finish))
    jobs = jobs | todo::finish;
  if (jobs != todo::none)
    add_todo(jobs);
}

/// Sets the one deadline of the current stage.
/// @pre `mtx_` is held
void cell::arm(time_point due) {
  // A job that fires already finds that its number is out of date.
  ++deadline_number_;
  if (deadline_) {
    home_->time().unschedule(*deadline_);
    deadline_ = job_ptr{};
  }
  if (due == never)
    return;
  deadline_ = make_job([self = cell_ptr{*this}, number = deadline_number_] {
    self->deadline_passed(number);
  });
  home_->time().schedule(*deadline_, due);
}

/// Runs on the clock's thread, whatever the worker does meanwhile.
void cell::deadline_passed(std::uint32_t number) {
  auto from = rules::stage::created;
  auto to = from;
  {
    std::unique_lock guard{mtx_};
    if (number != deadline_number_)
      return;
    deadline_ = job_ptr{};
    from = lifecycle_.at();
    // While children are being joined the time is theirs: each of them is bound
    // to end, by its own deadlines, once it has been forced.
    auto joining = first_child_ != nullptr
                   && (from == rules::stage::closing
                       || from == rules::stage::closing_stop
                       || from == rules::stage::closing_forced);
    if (joining) {
      guard.unlock();
      stop_children(true);
      return;
    }
    failure why;
    if (from == rules::stage::starting || from == rules::stage::warming)
      why.reason = caf::make_error(
        errc::start_timeout, subject() + " was not ready within "
                               + render(who_.periods.start_timeout));
    auto what = lifecycle_.feed(rules::event::deadline);
    to = lifecycle_.at();
    apply(what, why);
  }
  log_transition(from, to);
  if (to == rules::stage::abandoned && from != to) {
    if (queue_)
      queue_->discard(message_queue::leave::abandoned);
    stop_children(false);
    disown_children();
    release_waiters();
    std::unique_lock guard{mtx_};
    if (std::exchange(entered_, false))
      home_->leave();
  }
}

/// Remembers why and how the incarnation ends.
/// @pre `mtx_` is held
void cell::note_outcome(rules::action what, failure& why) {
  using enum rules::action;
  auto has = [what](rules::action x) { return rules::has(what, x); };
  auto note = [this](failure x) {
    if (!outcome_.reason_) {
      outcome_.reason_ = std::move(x.reason);
      outcome_.thrown_ = std::move(x.thrown);
    } else if (!outcome_.cleanup_error_) {
      outcome_.cleanup_error_ = std::move(x.reason);
    }
  };
  if (has(note_failed)) {
    if (!why.reason)
      why.reason = caf::make_error(
        errc::ended_before_ready,
        subject() + " failed to start: run() ended without calling ready()");
    note(std::move(why));
  } else if (has(note_cancelled)) {
    if (!why.reason)
      why.reason = caf::make_error(errc::cancelled,
                                   subject() + " was ended from outside");
    note(std::move(why));
  } else if (has(abandon)) {
    auto reason = caf::make_error(
      errc::abandoned, subject() + " was abandoned: it sits in code that did "
                                   "not return within "
                         + render(who_.periods.force) + " of being forced");
    if (lifecycle_.verdict() == rules::verdict::forced)
      outcome_.reason_ = std::move(reason);
    else
      note({std::move(reason), nullptr});
  } else if (has(note_forced)) {
    note({caf::make_error(errc::forced,
                          subject() + " was stopped by force, its grace period "
                                      "being "
                            + render(who_.periods.grace)),
          nullptr});
  }
  if (!has(finish) && !has(abandon))
    return;
  switch (lifecycle_.verdict()) {
    case rules::verdict::open:
    case rules::verdict::normal:
      outcome_.kind_ = outcome_kind::normal;
      break;
    case rules::verdict::forced:
      outcome_.kind_ = outcome_kind::forced;
      break;
    case rules::verdict::failed:
      outcome_.kind_ = outcome_kind::failed;
      break;
    case rules::verdict::cancelled:
      outcome_.kind_ = outcome_kind::cancelled;
      break;
  }
  outcome_.abandoned_ = has(abandon);
  if (started_at_ != time_point{})
    outcome_.duration_ = home_->time().now() - started_at_;
  has_outcome_ = true;
}

void cell::extend_cleanup() {
  std::unique_lock guard{mtx_};
  arm(rules::cleanup_deadline(home_->time().now(), stop_asked_at_ != never,
                              grace_over_, who_.periods));
}

void cell::add_todo(todo what) noexcept {
  auto before = todo_.fetch_or(static_cast<std::uint32_t>(what),
                               std::memory_order_acq_rel);
  if (before == 0)
    wake_actor(nullptr);
}

void cell::log_transition(rules::stage from, rules::stage to) {
  auto before = rules::state_of(from);
  auto after = rules::state_of(to);
  auto became_ready = to == rules::stage::ready && from != to;
  if (before == after && !became_ready)
    return;
  // An unstarted worker comes and goes without a word.
  if (before == worker_state::init && is_final(after))
    return;
  auto level = compat::log_info;
  auto ending = is_final(after);
  auto how = ending ? last_outcome() : std::nullopt;
  if (how) {
    if (how->kind() == outcome_kind::forced)
      level = compat::log_warning;
    else if (how->kind() != outcome_kind::normal)
      level = compat::log_error;
  }
  if (!home_->logs(level))
    return;
  auto text = who_.path + " [1] "
              + (became_ready ? std::string{"ready"} : to_string(after));
  if (how)
    text += " after " + render(how->duration()) + ": " + to_string(*how);
  home_->log(level, text);
}

// -- family --------------------------------------------------------------------

void cell::add_child(cell& child) {
  child.retain();
  std::unique_lock guard{mtx_};
  child.is_listed_child_ = true;
  child.next_sibling_ = first_child_;
  if (first_child_ != nullptr)
    first_child_->previous_sibling_ = &child;
  first_child_ = &child;
}

void cell::stop_children(bool by_force) {
  std::vector<cell_ptr> children;
  auto limit = never;
  {
    std::unique_lock guard{mtx_};
    limit = stop_asked_at_ != never ? grace_over_ : never;
    for (auto* i = first_child_; i != nullptr; i = i->next_sibling_)
      children.emplace_back(*i);
  }
  for (auto& child : children) {
    if (child->stage() == rules::stage::created)
      child->drop_unstarted(caf::make_error(
        errc::cancelled, child->subject() + " was not started: its parent ends"));
    else if (by_force)
      child->force();
    else
      child->request_stop(child->who().on_stop, limit);
  }
}

bool cell::has_children() const {
  std::unique_lock guard{mtx_};
  return first_child_ != nullptr;
}

void cell::disown_children() noexcept {
  std::vector<cell*> children;
  {
    std::unique_lock guard{mtx_};
    for (auto* i = std::exchange(first_child_, nullptr); i != nullptr;) {
      i->is_listed_child_ = false;
      i->previous_sibling_ = nullptr;
      children.push_back(i);
      i = std::exchange(i->next_sibling_, nullptr);
    }
    children.insert(children.end(), ended_children_.begin(),
                    ended_children_.end());
    ended_children_.clear();
  }
  for (auto* child : children)
    child->release();
}

std::vector<cell*> cell::take_ended_children() {
  std::unique_lock guard{mtx_};
  return std::exchange(ended_children_, {});
}

void cell::release_waiters() {
  {
    std::unique_lock guard{mtx_};
    over_ = true;
    announce(lifecycle_awaiter::what::over);
  }
  home_->notify();
  send_replies(lifecycle_awaiter::what::over);
  if (parent_ == nullptr)
    return;
  // The parent's list holds a reference, which goes over to the list of those
  // that have ended.
  std::unique_lock guard{parent_->mtx_};
  if (!is_listed_child_)
    return;
  is_listed_child_ = false;
  if (previous_sibling_ != nullptr)
    previous_sibling_->next_sibling_ = next_sibling_;
  else
    parent_->first_child_ = next_sibling_;
  if (next_sibling_ != nullptr)
    next_sibling_->previous_sibling_ = previous_sibling_;
  next_sibling_ = previous_sibling_ = nullptr;
  parent_->ended_children_.push_back(this);
  parent_->add_todo(todo::child_ended);
}

// -- the actor -----------------------------------------------------------------

void cell::attach(worker_actor& who) {
  std::unique_lock guard{wake_mtx_};
  actor_ = &who;
  strong_ = caf::strong_actor_ptr{who.ctrl()};
}

void cell::detach() noexcept {
  caf::strong_actor_ptr last;
  {
    std::unique_lock guard{wake_mtx_};
    actor_ = nullptr;
    last = std::move(strong_);
  }
  last = nullptr;
  std::unique_lock guard{mtx_};
  if (std::exchange(entered_, false))
    home_->leave();
}

void cell::system_gone() noexcept {
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
  std::unique_lock guard{mtx_};
  unanswered.swap(pending_replies_);
}

void cell::wake() noexcept {
  wake_actor(nullptr);
}

void cell::wake_actor(caf::mailbox_element_ptr spare) noexcept {
  std::unique_lock guard{wake_mtx_};
  if (strong_)
    actor_->deliver_wake(std::move(spare));
}

void cell::run_on_thread(unique_function<void()> f) {
  home_->run_on_thread(std::move(f), threads::at_stop::leave);
}

ask_table& cell::asks() {
  auto* result = asks_.load(std::memory_order_relaxed);
  if (result == nullptr) {
    result = new ask_table;
    asks_.store(result, std::memory_order_release);
  }
  return *result;
}

// -- waits ---------------------------------------------------------------------

void cell::enlist(idle_wait& x) noexcept {
  x.previous_idle_ = nullptr;
  x.next_idle_ = idle_waits_;
  if (idle_waits_ != nullptr)
    idle_waits_->previous_idle_ = &x;
  idle_waits_ = &x;
}

void cell::delist(idle_wait& x) noexcept {
  if (x.previous_idle_ != nullptr)
    x.previous_idle_->next_idle_ = x.next_idle_;
  else
    idle_waits_ = x.next_idle_;
  if (x.next_idle_ != nullptr)
    x.next_idle_->previous_idle_ = x.previous_idle_;
}

void cell::wake_waits() noexcept {
  sleep_wake_due_ = true;
  // What is woken here is resumed later, so the list stays as it is.
  for (auto* i = idle_waits_; i != nullptr; i = i->next_idle_)
    if (i->waiting())
      i->stop_asked();
}

bool cell::must_pause(bool got_message) noexcept {
  constexpr std::uint16_t turn = 128;
  nones_ = got_message ? 0 : static_cast<std::uint16_t>(nones_ + 1);
  if (nones_ > 1 || ++unpaused_ >= turn) {
    unpaused_ = 0;
    return true;
  }
  return false;
}

} // namespace troupe
