// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Calls to a supervisor while it runs, and their answers.

#include "supervisor/spec_check.hpp"
#include "supervisor/supervisor_core.hpp"
#include "supervisor/supervisor_worker.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/tree_status.hpp"
#include "worker/worker_actor.hpp"

#include <caf/actor_cast.hpp>

#include <cassert>
#include <utility>

namespace troupe::detail {

supervisor_core::call_ptr supervisor_core::start_child(child_spec spec) {
  auto wrong = check_child(group_, spec);
  auto plan = wrong.empty() ? plan_of(rt_, std::move(spec))
                            : child_plan{.name = std::move(spec.name),
                                         .factory = std::move(spec.factory)};
  auto call = std::make_shared<start_call>(rt_, std::move(plan),
                                           std::move(wrong));
  run_serially([this, call] {
    auto& what = call->plan;
    // The user's arguments go when the turn is over, even if others hold the
    // call.
    auto refuse = [&](caf::error why, worker_handle who = {}) {
      done(call, {std::move(why), std::move(who)});
      child_record unborn;
      unborn.factory = std::move(what.factory);
      gone_.push_back(std::move(unborn));
    };
    if (auto* found = children_.find(what.name)) {
      auto at = rules_.at(found->id);
      auto there = at == rules::child_stage::stopped
                   || at == rules::child_stage::backing_off;
      refuse(caf::make_error(there ? errc::already_present
                                   : errc::already_started,
                             subject_ + " has a child \"" + what.name
                               + "\" already, which is "
                               + (there ? "not running; start it by its name, "
                                          "or use delete_child first"
                                        : "running")),
             found->handle);
      return;
    }
    if (!call->wrong.empty()) {
      refuse(caf::make_error(errc::invalid_argument, call->wrong));
      return;
    }
    if (auto why_not = rules_.may_start_child();
        why_not != rules::refusal::none) {
      refuse(refused(why_not, what.name, "start_child"));
      return;
    }
    // To make it takes most of the time, and holds nobody up: as long as this
    // has its turn no other child comes or goes.
    const auto how = what.rules;
    guard_->unlock();
    auto made = make_child(std::move(what));
    guard_->lock();
    auto who = rules_.start_child(how).who;
    assert(who != rules::no_child);
    call->concerns(made.handle);
    add_child(who, std::move(made)).add_start(call);
  });
  return call;
}

/// Lets `f` have its turn with the child of that name, or ends the call.
template <class F>
supervisor_core::call_ptr
supervisor_core::run_with_child(const std::string& name, F f) {
  auto call = std::make_shared<child_call::progress>(rt_);
  run_serially([this, name, call, f = std::move(f)] {
    if (auto* found = children_.find(name))
      f(*found, call);
    else
      done(call, unknown(name));
  });
  return call;
}

supervisor_core::call_ptr
supervisor_core::terminate_child(const std::string& name, caf::error why,
                                 std::optional<on_stop> mode) {
  return run_with_child(name, [this, why = std::move(why),
                               mode](child_record& x, const call_ptr& made) {
    x.mode = mode.value_or(access::core_of(x.handle)->config().on_stop);
    if (rules_.at(x.id) == rules::child_stage::stopped) {
      done(made, {{}, x.handle});
      return;
    }
    auto& plans = x.make_plans();
    if (plans.stops.empty())
      plans.why_stopped = why;
    plans.stops.push_back(made);
    rules_.terminate_child(x.id, now());
  });
}

supervisor_core::call_ptr
supervisor_core::start_child(const std::string& name) {
  return run_with_child(name, [this, name](child_record& x,
                                           const call_ptr& made) {
    if (auto why = rules_.start_again(x.id); why != rules::refusal::none)
      done(made, {refused(why, name, "start_child"), x.handle});
    else
      x.add_start(made);
  });
}

supervisor_core::call_ptr
supervisor_core::restart_child(const std::string& name, caf::error why) {
  return run_with_child(name, [this, name, why = std::move(why)](
                                child_record& x, const call_ptr& made) {
    const auto before = rules_.at(x.id);
    if (auto not_done = rules_.restart_child(x.id, now());
        not_done != rules::refusal::none) {
      done(made, {refused(not_done, name, "restart_child"), x.handle});
      return;
    }
    if (before == rules::child_stage::starting
        || before == rules::child_stage::running)
      x.make_plans().why_stopped = why;
    x.add_start(made);
  });
}

supervisor_core::call_ptr
supervisor_core::delete_child(const std::string& name) {
  return run_with_child(name, [this, name](child_record& x,
                                           const call_ptr& made) {
    if (auto why = rules_.delete_child(x.id); why != rules::refusal::none) {
      done(made, {refused(why, name, "delete_child"), x.handle});
      return;
    }
    done(made, {{}, x.handle});
    forget(x.id);
  });
}

bool supervisor_core::retry_now(const std::string& name) {
  auto result = false;
  {
    std::unique_lock guard{mtx_};
    auto* found = children_.find(name);
    if (found != nullptr && rules_.contains(found->id))
      result = rules_.retry_now(found->id, now());
  }
  run_serially([] {}); // which carries out what the rules ask for
  return result;
}

worker_handle supervisor_core::find_child(std::string_view name) const {
  std::unique_lock guard{mtx_};
  const auto* found = children_.find(name);
  return found != nullptr ? found->handle : worker_handle{};
}

worker_handle
supervisor_core::find_child(const caf::strong_actor_ptr& who) const {
  // A worker in an actor of ours knows its id.
  if (auto* mine = dynamic_cast<worker_actor*>(
        caf::actor_cast<caf::abstract_actor*>(who))) {
    auto& core = access::core_of(*mine);
    std::unique_lock guard{mtx_};
    return core.owner() == this ? handle_of(core.child_id()) : worker_handle{};
  }
  std::unique_lock guard{mtx_};
  auto found = adopted_.find(who.get());
  return found != adopted_.end() ? handle_of(found->second) : worker_handle{};
}

std::vector<child_entry> supervisor_core::which_children() const {
  std::vector<child_entry> result;
  std::unique_lock guard{mtx_};
  for (auto who : rules_.children()) {
    const auto* x = children_.find(who);
    if (x == nullptr)
      continue;
    child_entry entry;
    entry.name = x->name();
    entry.child = x->handle;
    entry.state = x->handle.state();
    entry.phase = x->handle.phase();
    entry.kind = x->kind;
    entry.restarts = rules_.restarts(who);
    result.push_back(std::move(entry));
  }
  return result;
}

child_totals supervisor_core::count_children() const {
  std::unique_lock guard{mtx_};
  auto counts = rules_.counts();
  return {counts.specs, counts.active, supervisors_,
          children_.size() - supervisors_, counts.ready};
}

void supervisor_core::list(std::vector<core_ptr>& to) const {
  std::unique_lock guard{mtx_};
  for (auto who : rules_.children())
    if (const auto* x = children_.find(who))
      to.emplace_back(*access::core_of(x->handle));
}

void supervisor_core::describe(tree_status& out,
                               const status_poll* answers) const {
  struct found {
    core_ptr who;
    child_kind kind;
    std::uint64_t restarts;
    time_point next_retry;
    restart when;
    bool significant;
  };
  std::vector<found> all;
  {
    std::unique_lock guard{mtx_};
    out.recent_restarts = rules_.recent_restarts(now());
    out.ready_children = rules_.counts().ready;
    for (auto who : rules_.children())
      if (const auto* x = children_.find(who))
        all.push_back({core_ptr{*access::core_of(x->handle)}, x->kind,
                       rules_.restarts(who), rules_.next_retry(who),
                       rules_.restart_of(who), rules_.is_significant(who)});
  }
  out.max_restarts = static_cast<std::uint64_t>(group_.intensity.max_restarts);
  out.policy.strategy = group_.strategy;
  out.children.reserve(out.children.size() + all.size());
  for (auto& x : all) {
    auto status = describe_tree(*x.who, answers);
    status.kind = x.kind;
    status.restarts = x.restarts;
    status.policy.restart = x.when;
    status.policy.significant = x.significant;
    if (x.next_retry != never)
      status.next_retry = time_left(x.next_retry, now());
    out.children.push_back(std::move(status));
  }
}

caf::error supervisor_core::refused(rules::refusal why, const std::string& name,
                                    const char* call) const {
  auto text = subject_ + " refused " + call + "(\"" + name + "\"): ";
  switch (why) {
    case rules::refusal::busy:
      if (const auto due = rules_.group_restart_due(); due != never)
        text += "it restarts a group, in " + render(time_left(due, now()))
                + "; ask again then";
      else
        text += "it starts, or restarts a group; ask again later";
      return caf::make_error(errc::busy, std::move(text));
    case rules::refusal::stopping:
      return caf::make_error(errc::supervisor_stopping,
                             text + "it stops, or is not running");
    case rules::refusal::running:
      return caf::make_error(errc::child_running,
                             text
                               + "the child is running; use restart_child for "
                                 "another life of it, or terminate_child "
                                 "first");
    case rules::refusal::ending:
      return caf::make_error(errc::child_running,
                             text
                               + "the child is being stopped; ask again when "
                                 "it is over");
    case rules::refusal::lives_once:
      return caf::make_error(errc::invalid_argument,
                             text
                               + "the child is temporary, so it has one life; "
                                 "terminate it and start another one");
    case rules::refusal::restarting:
      return caf::make_error(errc::child_restarting,
                             text
                               + "the child waits for its restart; use "
                                 "terminate_child first");
    case rules::refusal::too_many_children:
      return caf::make_error(errc::too_many_children,
                             text + "it has "
                               + std::to_string(group_.max_children)
                               + " children, which is its max_children");
    case rules::refusal::none:
      break;
  }
  return {};
}

child_result supervisor_core::unknown(const std::string& name) const {
  if (rules_.at() == rules::group_stage::created) // They are not made yet.
    return {caf::make_error(errc::busy,
                            subject_
                              + " is about to start; ask again when it is "
                                "ready"),
            {}};
  return {caf::make_error(errc::not_found,
                          subject_ + " has no child \"" + name + "\""),
          {}};
}

} // namespace troupe::detail
