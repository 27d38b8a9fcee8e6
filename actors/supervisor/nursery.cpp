// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/nursery.hpp"

#include "rules/naming.hpp"
#include "spawn.hpp"
#include "stop_report.hpp"
#include "supervisor/check.hpp"
#include "supervisor/shell.hpp"
#include "tree_status.hpp"
#include "worker_actor.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

nursery::nursery(cell& home, std::shared_ptr<const supervisor_spec> spec)
  : home_(home.shared_home()),
    spec_(std::move(spec)),
    path_(home.who().path),
    subject_(home.subject()),
    rules_(group_rules_of(*spec_),
           static_cast<std::uint64_t>(
             home_->time().now().time_since_epoch().count())
             ^ std::hash<std::string>{}(path_)),
    supervisor_(home) {
  // nop
}

// -- turns ---------------------------------------------------------------------

void nursery::turn(unique_function<void()> event) noexcept {
  // Whoever holds the last reference may be let go of in here.
  auto self = shared_from_this();
  {
    std::unique_lock guard{turns_mtx_};
    turns_.push_back(std::move(event));
    if (taken_)
      return;
    taken_ = true;
  }
  for (;;) {
    unique_function<void()> next;
    {
      std::unique_lock guard{turns_mtx_};
      if (turns_.empty()) {
        taken_ = false;
        return;
      }
      next = std::move(turns_.front());
      turns_.pop_front();
    }
    std::vector<rules::command> commands;
    std::vector<child_id> again;
    std::vector<worker_handle> gone;
    std::vector<finished_call> finished;
    {
      std::unique_lock guard{mtx_};
      next();
      commands = rules_.take();
      again = std::exchange(again_, {});
      finished = std::exchange(finished_, {});
    }
    next = nullptr;
    for (auto& x : commands)
      carry_out(x);
    for (auto who : again)
      stop_life(who);
    {
      std::unique_lock guard{mtx_};
      gone = std::exchange(gone_, {});
    }
    for (auto& x : gone)
      home_->remove_path(x);
    for (auto& x : finished)
      x.call->finish(std::move(x.result));
  }
}

/// The call is done when what this turn brings has been carried out.
/// @pre `mtx_` is held
void nursery::done(const call_ptr& call, child_result result) {
  finished_.push_back({call, std::move(result)});
}

void nursery::carry_out(const rules::command& what) {
  using kind = rules::command_kind;
  switch (what.what) {
    case kind::start:
      begin_life(what.who);
      break;
    case kind::stop:
      stop_life(what.who);
      break;
    case kind::retire:
      end_of(what.who, false);
      break;
    case kind::forget:
      end_of(what.who, true);
      break;
    case kind::set_retry:
      set_retry(what.who, what.when);
      break;
    case kind::clear_retry:
      clear_retry(what.who);
      break;
    case kind::group_ready:
      if (auto home =
            [this] {
              std::unique_lock guard{mtx_};
              return supervisor_;
            }();
          home.get() != nullptr)
        home->ready_called();
      break;
    case kind::group_ends:
      group_ends(what.who);
      break;
    case kind::group_over:
      group_over();
      break;
  }
}

// -- what the rules ask for ------------------------------------------------------

void nursery::begin_life(child_id who) {
  cell_ptr next;
  worker_handle former; // goes without the lock: an object may go with it
  {
    std::unique_lock guard{mtx_};
    auto* x = find(who);
    if (x == nullptr)
      return;
    auto* present = x->handle.get_cell();
    if (!present->can_live()) {
      // Its actor is gone for good: another one takes its place.
      auto replacement = make_cell(*x, who, present->shared_queue());
      present->succeed(*replacement.get_cell());
      former = std::exchange(x->handle, std::move(replacement));
      present = x->handle.get_cell();
    }
    next = cell_ptr{*present};
  }
  if (auto err = next->begin_life())
    turn([this, who, err = std::move(err)] {
      last_failure_ = {err, nullptr};
      rules_.child_ended(who, rules::child_end::failed, now());
    });
}

void nursery::stop_life(child_id who) {
  cell_ptr target;
  auto mode = cell::queue_at_stop::discard;
  auto limits = rules::stop_limits{};
  auto last = false;
  auto forced = false;
  {
    std::unique_lock guard{mtx_};
    auto* x = find(who);
    if (x == nullptr)
      return;
    target = cell_ptr{*x->handle.get_cell()};
    mode = rules_.at() == rules::group_stage::unwinding
             ? cell::queue_at_stop::keep
             : static_cast<cell::queue_at_stop>(x->mode);
    limits = limits_;
    last = hurried_;
    forced = forced_;
  }
  target->request_stop(mode, limits, last);
  if (forced)
    target->force();
}

/// A child has come to its final end.
void nursery::end_of(child_id who, bool forgotten) {
  cell_ptr target;
  worker_handle handle;
  std::vector<call_ptr> starts;
  std::vector<call_ptr> stops;
  auto gave_up = false;
  {
    std::unique_lock guard{mtx_};
    auto* x = find(who);
    if (x == nullptr)
      return;
    handle = x->handle;
    target = cell_ptr{*handle.get_cell()};
    starts.swap(x->starts);
    stops.swap(x->stops);
    gave_up = rules_.contains(who) && rules_.given_up(who);
    if (forgotten)
      forget(who);
  }
  if (gave_up && home_->events().wanted())
    if (auto how = target->last_outcome())
      target->publish(event_kind::gave_up, how->reason());
  target->retire();
  for (auto& call : starts)
    call->finish({target->why_not_ready(), handle});
  for (auto& call : stops)
    call->finish({{}, handle});
}

void nursery::set_retry(child_id who, time_point when) {
  auto job = make_job([weak = weak_from_this(), who] {
    if (auto self = weak.lock())
      self->turn(
        [&self = *self, who] { self.rules_.retry_due(who, self.now()); });
  });
  std::vector<cell_ptr> waiting;
  {
    std::unique_lock guard{mtx_};
    if (who == rules::no_child) {
      group_retry_ = job;
      for (auto& [id, x] : children_)
        if (rules_.contains(id)
            && rules_.at(id) == rules::child_stage::backing_off)
          waiting.emplace_back(*x.handle.get_cell());
    } else if (auto* x = find(who)) {
      x->retry = job;
      waiting.emplace_back(*x->handle.get_cell());
    }
  }
  for (auto& x : waiting)
    if (!x->set_backing_off(true) && home_->events().wanted()) {
      auto how = x->last_outcome();
      x->publish(event_kind::backing_off, how ? how->reason() : caf::error{},
                 time_left(when, now()));
    }
  home_->time().schedule(*job, when);
}

void nursery::clear_retry(child_id who) {
  job_ptr job;
  {
    std::unique_lock guard{mtx_};
    if (who == rules::no_child)
      job = std::exchange(group_retry_, job_ptr{});
    else if (auto* x = find(who))
      job = std::exchange(x->retry, job_ptr{});
  }
  if (job)
    home_->time().unschedule(*job);
}

void nursery::group_ends(child_id) {
  std::unique_lock guard{mtx_};
  ending_ = true;
  auto fail = [this](errc code, const char* what) {
    failure_ = {caf::make_error(code,
                                subject_ + what + text_of(last_failure_.reason)),
                last_failure_.thrown};
  };
  switch (rules_.end()) {
    case rules::group_end::gave_up:
      fail(errc::max_restarts_exceeded,
           " gave up: too many restarts; the last child failed with: ");
      break;
    case rules::group_end::start_failed:
      fail(errc::start_failed, " failed to start: ");
      break;
    case rules::group_end::child_ended:
      failure_ = last_failure_;
      break;
    default:
      break;
  }
  if (supervisor_.get() != nullptr && home_->events().wanted()) {
    if (rules_.end() == rules::group_end::gave_up)
      supervisor_->publish(event_kind::gave_up, failure_.reason);
    supervisor_->publish(event_kind::stopping);
  }
  if (awaiter_ != nullptr)
    std::exchange(awaiter_, nullptr)->post();
}

void nursery::group_over() {
  cell_ptr home;
  job_ptr soft;
  stop_report late;
  {
    std::unique_lock guard{mtx_};
    late.swap(late_);
    ending_ = true;
    over_.store(true, std::memory_order_release);
    home = supervisor_;
    soft = std::exchange(soft_, job_ptr{});
    if (awaiter_ != nullptr)
      std::exchange(awaiter_, nullptr)->post();
  }
  if (soft)
    home_->time().unschedule(*soft);
  if (home.get() != nullptr) {
    home->note_blockers(std::move(late));
    home->brood_over();
  } else {
    turn([this] { let_go(); });
  }
}

// -- the supervisor's side -------------------------------------------------------

void nursery::start() {
  over_.store(false, std::memory_order_release);
  turn([this] {
    if (rules_.at() != rules::group_stage::created) {
      // A stop was quicker: there will be no children.
      over_.store(true, std::memory_order_release);
      if (supervisor_.get() != nullptr)
        supervisor_->brood_over();
      return;
    }
    for (auto& x : spec_->children)
      add_child(rules_.add(child_rules_of(x.options)), x);
    rules_.start(now());
  });
}

failure nursery::why_failed() const {
  std::unique_lock guard{mtx_};
  return failure_;
}

void nursery::stop(const rules::stop_limits& limits) noexcept {
  turn([this, limits] {
    auto before = limits_;
    limits_ = rules::tighten(limits_, limits);
    auto under_way = rules_.at() == rules::group_stage::stopping;
    rules_.stop(now());
    if (limits_ == before && under_way)
      return;
    limits_changed();
  });
}

/// Who is being stopped has less time from now on.
/// @pre `mtx_` is held
void nursery::limits_changed() {
  auto hurry = [this] {
    if (hurried_ || rules_.at() != rules::group_stage::stopping)
      return;
    hurried_ = true;
    rules_.hurry(now());
  };
  if (soft_)
    home_->time().unschedule(*soft_);
  soft_ = job_ptr{};
  if (limits_.soft <= now()) {
    hurry();
  } else if (limits_.soft != never) {
    soft_ = make_job([weak = weak_from_this(), hurry] {
      if (auto self = weak.lock())
        self->turn(hurry);
    });
    home_->time().schedule(*soft_, limits_.soft);
  }
  tell_again();
}

/// Those that are being stopped are told so once more after this turn: the
/// limits have changed.
/// @pre `mtx_` is held
void nursery::tell_again() {
  // Those that are being forgotten are unknown to the rules already.
  for (auto& [id, x] : children_)
    if (rules_.contains(id) && rules_.at(id) == rules::child_stage::stopping)
      again_.push_back(id);
}

void nursery::force() noexcept {
  turn([this] {
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

bool nursery::over() const noexcept {
  return over_.load(std::memory_order_acquire);
}

void nursery::orphan() noexcept {
  turn([this] {
    supervisor_ = cell_ptr{};
    rules_.stop(now());
  });
  turn([this] { let_go(); });
}

/// Lets go of the children, who hold this, once nobody asks for them.
/// @pre `mtx_` is held
void nursery::let_go() {
  if (supervisor_.get() != nullptr || !over())
    return;
  names_.clear();
  for (auto& [id, x] : children_)
    gone_.push_back(std::move(x.handle));
  children_.clear();
}

// -- keeper --------------------------------------------------------------------

std::unique_ptr<worker> nursery::make_object(cell& who) {
  std::shared_ptr<const child_factory> factory;
  {
    std::unique_lock guard{mtx_};
    auto* x = find(who.place());
    if (x != nullptr)
      factory = x->factory;
  }
  // Forgotten already: it will not live long, but it must live.
  if (!factory)
    throw start_error{
      caf::make_error(errc::stopped_before_ready, who.subject()
                                                    + " is gone from its "
                                                      "supervisor")};
  auto result = factory->make(who.actor_object()->home_system());
  if (!result)
    throw start_error{
      caf::make_error(errc::start_failed, who.subject()
                                            + " was made by a factory that "
                                              "returned null")};
  return result;
}

void nursery::child_ready(cell& who) noexcept {
  turn([this, what = cell_ptr{who}] {
    auto* x = find(what->place());
    if (x == nullptr)
      return;
    x->mode = x->options.worker.queue.on_stop;
    rules_.child_ready(what->place(), now());
    for (auto& call : std::exchange(x->starts, {}))
      done(call, {{}, x->handle});
  });
}

void nursery::child_ended(cell& who) noexcept {
  turn([this, what = cell_ptr{who}] {
    auto how = what->last_outcome();
    auto normal = how && how->kind() == outcome_kind::normal;
    if (how && rules_.at() == rules::group_stage::stopping)
      note_late(*what, *how);
    if (how && !normal)
      last_failure_ = {how->reason(), how->thrown()};
    rules_.child_ended(what->place(),
                       normal ? rules::child_end::normal
                              : rules::child_end::failed,
                       now());
  });
}

/// Whether it, or somebody below it, is to blame if the stop takes long.
/// @pre `mtx_` is held
void nursery::note_late(const cell& who, const outcome& how) {
  late_.insert(late_.end(), how.blockers().begin(), how.blockers().end());
  if (how.kind() == outcome_kind::forced || how.abandoned())
    late_.push_back(describe_blocker(who, now()));
}

void nursery::stop_wanted(cell& who, on_stop mode) noexcept {
  turn([this, what = cell_ptr{who}, mode] {
    auto* x = find(what->place());
    if (x == nullptr)
      return;
    x->mode = mode;
    rules_.terminate_child(what->place(), now());
  });
}

void nursery::face_changed(cell& who, const caf::strong_actor_ptr& before,
                           const caf::strong_actor_ptr& now) {
  std::unique_lock guard{mtx_};
  adopted_.erase(before.get());
  if (now)
    adopted_.insert_or_assign(now.get(), who.place());
}

void nursery::marked_healthy(cell& who) noexcept {
  turn([this, place = who.place()] { rules_.mark_healthy(place); });
}

// -- calls ---------------------------------------------------------------------

void nursery::start_child(child_spec spec, call_ptr call) {
  turn([this, spec = std::move(spec), call = std::move(call)]() mutable {
    if (spec.name.empty() && spec_->strategy == strategy::dynamic)
      spec.name = rules::snake_case(class_name(spec.factory->type())) + "#"
                  + std::to_string(++made_);
    if (auto found = names_.find(spec.name); found != names_.end()) {
      auto at = rules_.at(found->second);
      auto there = at == rules::child_stage::stopped
                   || at == rules::child_stage::backing_off;
      done(call, 
        {caf::make_error(there ? errc::already_present : errc::already_started,
                         subject_ + " has a child \"" + spec.name
                           + "\" already, which is "
                           + (there ? "not running; use restart_child or "
                                      "delete_child"
                                    : "running")),
         children_.at(found->second).handle});
      return;
    }
    if (auto wrong = check_child(*spec_, spec); !wrong.empty()) {
      done(call, {caf::make_error(errc::invalid_argument, wrong), {}});
      return;
    }
    auto [who, why_not] = rules_.start_child(child_rules_of(spec.options),
                                             now());
    if (why_not != rules::refusal::none) {
      done(call, {refused(why_not, spec.name, "start_child"), {}});
      return;
    }
    add_child(who, std::move(spec));
    children_.at(who).starts.push_back(std::move(call));
  });
}

/// Lets `f` have its turn with the child of that name, or ends the call.
template <class F>
void nursery::turn_about(const std::string& name, call_ptr call, F f) {
  turn([this, name, call = std::move(call), f = std::move(f)] {
    if (auto found = names_.find(name); found != names_.end())
      f(found->second, children_.at(found->second), call);
    else
      done(call, unknown(name));
  });
}

void nursery::terminate_child(const std::string& name, call_ptr call) {
  turn_about(name, std::move(call),
             [this](child_id who, child& x, const call_ptr& made) {
               x.mode = x.options.worker.queue.on_stop;
               if (rules_.at(who) == rules::child_stage::stopped) {
                 done(made, {{}, x.handle});
                 return;
               }
               x.stops.push_back(made);
               rules_.terminate_child(who, now());
             });
}

void nursery::restart_child(const std::string& name, call_ptr call) {
  turn_about(name, std::move(call),
             [this, name](child_id who, child& x, const call_ptr& made) {
               if (auto why = rules_.restart_child(who, now());
                   why != rules::refusal::none)
                 done(made, {refused(why, name, "restart_child"), x.handle});
               else
                 x.starts.push_back(made);
             });
}

void nursery::delete_child(const std::string& name, call_ptr call) {
  turn_about(name, std::move(call),
             [this, name](child_id who, child& x, const call_ptr& made) {
               if (auto why = rules_.delete_child(who);
                   why != rules::refusal::none) {
                 done(made, {refused(why, name, "delete_child"), x.handle});
                 return;
               }
               done(made, {{}, x.handle});
               forget(who);
             });
}

bool nursery::retry_now(const std::string& name) {
  auto result = false;
  {
    std::unique_lock guard{mtx_};
    auto found = names_.find(name);
    if (found != names_.end() && rules_.contains(found->second))
      result = rules_.retry_now(found->second, now());
  }
  turn([] {}); // which carries out what the rules ask for
  return result;
}

worker_handle nursery::find_child(const std::string& name) const {
  std::unique_lock guard{mtx_};
  auto found = names_.find(name);
  return found != names_.end() ? children_.at(found->second).handle
                               : worker_handle{};
}

worker_handle nursery::find_child(const caf::strong_actor_ptr& who) const {
  // What lives in an actor of ours knows its place.
  if (auto* mine = dynamic_cast<worker_actor*>(
        caf::actor_cast<caf::abstract_actor*>(who))) {
    auto& home = mine->home();
    std::unique_lock guard{mtx_};
    return home.kept_by() == this ? handle_of(home.place()) : worker_handle{};
  }
  std::unique_lock guard{mtx_};
  auto found = adopted_.find(who.get());
  return found != adopted_.end() ? handle_of(found->second) : worker_handle{};
}

std::vector<child_entry> nursery::which_children() const {
  std::vector<child_entry> result;
  std::unique_lock guard{mtx_};
  for (auto who : rules_.children()) {
    auto found = children_.find(who);
    if (found == children_.end())
      continue;
    auto& x = found->second;
    child_entry entry;
    entry.name = x.name;
    entry.child = x.handle;
    entry.state = x.handle.state();
    entry.phase = x.handle.phase();
    entry.kind = x.factory->kind();
    entry.restarts = rules_.restarts(who);
    result.push_back(std::move(entry));
  }
  return result;
}

child_totals nursery::count_children() const {
  std::unique_lock guard{mtx_};
  auto counts = rules_.counts();
  return {counts.specs, counts.active, supervisors_,
          children_.size() - supervisors_};
}

void nursery::describe(tree_status& home) const {
  struct found {
    cell_ptr who;
    child_kind kind;
    std::uint64_t restarts;
    time_point next_retry;
  };
  std::vector<found> all;
  {
    std::unique_lock guard{mtx_};
    home.recent_restarts = rules_.recent_restarts(now());
    for (auto who : rules_.children())
      if (auto i = children_.find(who); i != children_.end())
        all.push_back({cell_ptr{*i->second.handle.get_cell()},
                       i->second.factory->kind(), rules_.restarts(who),
                       rules_.next_retry(who)});
  }
  home.max_restarts = static_cast<std::uint64_t>(
    spec_->intensity.max_restarts);
  home.children.reserve(home.children.size() + all.size());
  for (auto& x : all) {
    auto status = describe_tree(*x.who);
    status.kind = x.kind;
    status.restarts = x.restarts;
    if (x.next_retry != never)
      status.next_retry = time_left(x.next_retry, now());
    home.children.push_back(std::move(status));
  }
}

// -- helpers -------------------------------------------------------------------

nursery::child* nursery::find(child_id who) {
  auto i = children_.find(who);
  return i != children_.end() ? &i->second : nullptr;
}

/// @pre `mtx_` is held
worker_handle nursery::handle_of(child_id who) const {
  auto i = children_.find(who);
  return i != children_.end() ? i->second.handle : worker_handle{};
}

/// Its spec is gone, and with it all that is known of a child.
/// @pre `mtx_` is held
void nursery::forget(child_id who) {
  auto& x = children_.at(who);
  if (x.factory->kind() == child_kind::supervisor)
    --supervisors_;
  names_.erase(x.name);
  gone_.push_back(std::move(x.handle));
  children_.erase(who);
}

/// Makes what the shell knows of a child, and its first cell.
/// @pre `mtx_` is held
void nursery::add_child(child_id who, child_spec spec) {
  child x;
  x.name = std::move(spec.name);
  x.options = std::move(spec.options);
  x.options.worker.name = x.name;
  x.factory = std::move(spec.factory);
  x.mode = x.options.worker.queue.on_stop;
  x.handle = make_cell(x, who, x.factory->make_queue());
  if (x.factory->kind() == child_kind::supervisor)
    ++supervisors_;
  names_.emplace(x.name, who);
  home_->add_path(x.handle.path(), x.handle);
  children_.emplace(who, std::move(x));
}

worker_handle nursery::make_cell(const child& x, child_id who,
                                 std::shared_ptr<message_queue> queue) {
  return worker_handle{make_kept_cell(home_, path_, x.options.worker,
                                      x.factory->type(), std::move(queue),
                                      shared_from_this(), who)};
}

time_point nursery::now() const noexcept {
  return home_->time().now();
}

caf::error nursery::refused(rules::refusal why, const std::string& name,
                            const char* call) const {
  auto text = subject_ + " refused " + call + "(\"" + name + "\"): ";
  switch (why) {
    case rules::refusal::busy:
      return caf::make_error(errc::busy,
                             text
                               + "it starts, or restarts a group; ask again "
                                 "later");
    case rules::refusal::stopping:
      return caf::make_error(errc::supervisor_stopping,
                             text + "it stops, or is not running");
    case rules::refusal::running:
      return caf::make_error(errc::child_running,
                             text
                               + "the child is running; use "
                                 "terminate_child first");
    case rules::refusal::restarting:
      return caf::make_error(errc::child_restarting,
                             text
                               + "the child waits for its restart; use "
                                 "terminate_child first");
    case rules::refusal::too_many_children:
      return caf::make_error(errc::too_many_children,
                             text + "it has "
                               + std::to_string(spec_->max_children)
                               + " children, which is its max_children");
    case rules::refusal::none:
      break;
  }
  return {};
}

child_result nursery::unknown(const std::string& name) const {
  return {caf::make_error(errc::not_found,
                          subject_ + " has no child \"" + name + "\""),
          {}};
}

// -- end_awaiter ---------------------------------------------------------------

nursery::end_awaiter::end_awaiter(cell& home, nursery& what) noexcept
  : idle_wait(home), what_(&what) {
  // nop
}

nursery::end_awaiter::~end_awaiter() {
  std::unique_lock guard{what_->mtx_};
  if (what_->awaiter_ == this)
    what_->awaiter_ = nullptr;
}

bool nursery::end_awaiter::watch() {
  std::unique_lock guard{what_->mtx_};
  if (what_->ending_ || worker_cell().stop_asked()) {
    withdraw();
    return false;
  }
  what_->awaiter_ = this;
  enlist();
  return true;
}

void nursery::end_awaiter::stop_asked() noexcept {
  std::unique_lock guard{what_->mtx_};
  if (what_->awaiter_ == this) {
    what_->awaiter_ = nullptr;
    post();
  }
}

} // namespace troupe
