// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Linked children: who they are, how they are stopped, how they end.

#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace troupe::detail {

void worker_core::add_child(worker_core& child) {
  child.retain();
  {
    held guard{mtx_};
    auto* before = std::exchange(make_lazy().first_child, &child);
    child.kin()->is_listed = true;
    child.kin()->next = before;
    if (before != nullptr)
      before->kin()->previous = &child;
  }
  // A force that comes from here on finds the child in the list. If the force
  // came before, the child ends before it has begun.
  if (is_to_be_forced())
    child.drop_as_child();
}

/// Whether it is forced, or is about to be because one above it is: a family
/// may grow as fast as a force goes down in it.
bool worker_core::is_to_be_forced() const {
  for (const auto* x = this; x != nullptr;) {
    held guard{x->mtx_};
    if (x->life_.is_forced())
      return true;
    // One that cleans up after a force may have helpers.
    if (x->life_.in_cleanup || !x->rt().is_forcing())
      return false;
    x = x->kin() != nullptr ? x->kin()->parent : nullptr;
  }
  return false;
}

/// Ends a linked child that was not started.
/// @returns `false` if it was.
bool worker_core::drop_as_child() {
  return drop_unstarted(caf::make_error(
    errc::cancelled, subject() + " was not started: its parent ends"));
}

void worker_core::stop_children(how_to_end how) {
  std::vector<core_ptr> forced;
  stop_children(how, forced);
  force_all(std::move(forced));
}

/// The same, but those to be forced are left to the caller.
void worker_core::stop_children(how_to_end how,
                                std::vector<core_ptr>& to_force) {
  std::vector<core_ptr> children;
  std::shared_ptr<child_group> kept;
  auto limits = rules::stop_limits{};
  auto grace = rules::stop_limits{}; // of linked children: ends with its own
  auto last = false;
  {
    held guard{mtx_};
    const auto& end = life_.end();
    limits = end.limits;
    last = end.told_last;
    if (end.stop_asked_at != never)
      grace = rules::forced_at(end.grace_over);
    if (lazy_) {
      kept = lazy_->children;
      for (auto* i = lazy_->first_child; i != nullptr; i = i->kin()->next)
        children.emplace_back(*i);
    }
  }
  for (auto& child : children) {
    // It may be started in this very moment.
    if (child->stage() == rules::stage::created && child->drop_as_child())
      continue;
    if (how != how_to_end::gracefully) {
      child->keep_within(limits);
      to_force.push_back(std::move(child));
    } else {
      child->request_stop(queue_at_stop(child->config().on_stop),
                          rules::tighten(limits, grace), last);
    }
  }
  if (kept && how == how_to_end::by_force)
    kept->force();
  else if (kept)
    kept->stop(limits);
}

bool worker_core::has_children() const {
  held guard{mtx_};
  return has_children(guard);
}

std::vector<core_ptr> worker_core::linked_children() const {
  std::vector<core_ptr> result;
  {
    held guard{mtx_};
    for (auto* i = lazy().first_child; i != nullptr; i = i->kin()->next)
      result.emplace_back(*i);
  }
  // The list begins with the one that came last.
  std::reverse(result.begin(), result.end());
  return result;
}

namespace {

/// The status to be shown of them when they are gone: values, since handles to
/// them could hold each other up.
std::shared_ptr<const tree_status> as_they_ended(const child_group& children) {
  try {
    auto result = std::make_shared<tree_status>();
    children.describe(*result, nullptr);
    return result;
  } catch (const std::bad_alloc&) {
    return nullptr; // They are not shown.
  }
}

} // namespace

void worker_core::disown_children() noexcept {
  std::vector<worker_core*> children;
  std::shared_ptr<child_group> kept;
  {
    held guard{mtx_};
    if (!lazy_)
      return;
    kept = lazy_->children;
  }
  // Those of a supervisor that was abandoned go on.
  auto last = kept && kept->over() ? as_they_ended(*kept) : nullptr;
  {
    held guard{mtx_};
    if (kept) {
      lazy_->children = nullptr;
      lazy_->last_children.swap(last);
    }
    for (auto* i = std::exchange(lazy_->first_child, nullptr); i != nullptr;) {
      i->kin()->is_listed = false;
      i->kin()->previous = nullptr;
      children.push_back(i);
      i = std::exchange(i->kin()->next, nullptr);
    }
    for (auto* i : take_ended_children(guard))
      children.push_back(i);
  }
  for (auto* child : children)
    child->release();
  if (kept)
    kept->orphan();
}

void worker_core::note_blockers(stop_report who) {
  held guard{mtx_};
  life_.make_end().how.blockers_ = std::move(who);
}

std::vector<worker_core*> worker_core::take_ended_children() {
  held guard{mtx_};
  return take_ended_children(guard);
}

std::vector<worker_core*> worker_core::take_ended_children(const held&) {
  std::vector<worker_core*> result;
  if (!lazy_)
    return result;
  for (auto* i = std::exchange(lazy_->ended_child, nullptr); i != nullptr;) {
    result.push_back(i);
    i = std::exchange(i->kin()->next, nullptr);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

void worker_core::release_waiters() {
  {
    held guard{mtx_};
    over_ = true;
    // A thread that has waited may start another tree of that name.
    if (std::exchange(has_path_, false))
      rt().release_path(*this);
    announce(guard, lifecycle_awaiter::what::over);
  }
  rt().notify();
  send_replies(lifecycle_awaiter::what::over);
  // Waiters for the predecessor of this core wait for this one. The two hold
  // each other up to here.
  auto* before = [this] {
    held guard{mtx_};
    return lazy_ ? std::exchange(lazy_->predecessor, nullptr) : nullptr;
  }();
  if (before != nullptr) {
    before->release_waiters();
    before->release();
  }
  if (kin() != nullptr)
    tell_parent();
}

/// The parent's list holds a reference, which goes over to the list of those
/// that have ended.
void worker_core::tell_parent() {
  auto& parent = *kin()->parent;
  held guard{parent.mtx_};
  if (!std::exchange(kin()->is_listed, false))
    return;
  if (kin()->previous != nullptr)
    kin()->previous->kin()->next = kin()->next;
  else
    parent.lazy_->first_child = kin()->next;
  if (kin()->next != nullptr)
    kin()->next->kin()->previous = kin()->previous;
  kin()->previous = nullptr;
  kin()->next = std::exchange(parent.lazy_->ended_child, this);
  parent.add_todo(todo::child_ended);
}

} // namespace troupe::detail
