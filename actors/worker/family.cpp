// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The children of a worker: how they are stopped, and how they end.

#include "worker/family.hpp"
#include "worker/core_ptr.hpp"
#include "worker/deadlines.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace troupe::detail {

void family::add(worker_core& child) {
  child.retain();
  {
    held guard{of_.mtx_};
    auto* before = std::exchange(of_.make_lazy().first_child, &child);
    child.kin()->is_listed = true;
    child.kin()->next = before;
    if (before != nullptr)
      before->kin()->previous = &child;
  }
  // A force that comes from here on finds the child in the list. If the force
  // came before, the child ends before it has begun.
  if (is_to_be_forced())
    drop_unstarted(child);
}

/// Whether it is forced, or is about to be because one above it is: a family
/// may grow as fast as a force goes down in it.
bool family::is_to_be_forced() const {
  for (const auto* x = &of_; x != nullptr;) {
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
bool family::drop_unstarted(worker_core& child) {
  return child.drop_unstarted(caf::make_error(
    errc::cancelled, child.subject() + " was not started: its parent ends"));
}

void family::stop(how_to_end how) {
  std::vector<core_ptr> forced;
  stop(how, forced);
  worker_core::force_all(std::move(forced));
}

void family::stop(how_to_end how, std::vector<core_ptr>& to_force) {
  std::vector<core_ptr> children;
  std::shared_ptr<child_group> kept;
  auto limits = rules::stop_limits{};
  auto grace = rules::stop_limits{}; // of linked children: ends with its own
  auto last = false;
  {
    held guard{of_.mtx_};
    const auto& end = of_.life_.end();
    limits = end.limits;
    last = end.told_last;
    if (end.stop_asked_at != never)
      grace = rules::forced_at(end.grace_over);
    if (of_.lazy_) {
      kept = of_.lazy_->children;
      for (auto* i = of_.lazy_->first_child; i != nullptr; i = i->kin()->next)
        children.emplace_back(*i);
    }
  }
  for (auto& child : children) {
    // It may be started in this very moment.
    if (child->stage() == rules::stage::created && drop_unstarted(*child))
      continue;
    if (how != how_to_end::gracefully) {
      deadlines{*child}.keep_within(limits);
      to_force.push_back(std::move(child));
    } else {
      child->request_stop(worker_core::queue_at_stop(child->config().on_stop),
                          rules::tighten(limits, grace), last);
    }
  }
  if (kept && how == how_to_end::by_force)
    kept->force();
  else if (kept)
    kept->stop(limits);
}

bool family::any() const {
  held guard{of_.mtx_};
  return any(guard);
}

std::vector<core_ptr> family::linked() const {
  std::vector<core_ptr> result;
  {
    held guard{of_.mtx_};
    for (auto* i = of_.lazy().first_child; i != nullptr; i = i->kin()->next)
      result.emplace_back(*i);
  }
  // The list begins with the one that came last.
  std::reverse(result.begin(), result.end());
  return result;
}

namespace {

/// The status to be shown of them when they are gone: values, since handles to
/// them could hold each other up.
[[gnu::cold]] std::shared_ptr<const tree_status>
as_they_ended(const child_group& children) {
  try {
    auto result = std::make_shared<tree_status>();
    children.describe(*result, nullptr);
    return result;
  } catch (const std::bad_alloc&) {
    return nullptr; // They are not shown.
  }
}

} // namespace

void family::disown() noexcept {
  std::vector<worker_core*> children;
  std::shared_ptr<child_group> kept;
  {
    held guard{of_.mtx_};
    if (!of_.lazy_)
      return;
    kept = of_.lazy_->children;
  }
  // Those of a supervisor that was abandoned go on.
  auto last = kept && kept->over() ? as_they_ended(*kept) : nullptr;
  {
    held guard{of_.mtx_};
    if (kept) {
      of_.lazy_->children = nullptr;
      of_.lazy_->last_children.swap(last);
    }
    for (auto* i = std::exchange(of_.lazy_->first_child, nullptr);
         i != nullptr;) {
      i->kin()->is_listed = false;
      i->kin()->previous = nullptr;
      children.push_back(i);
      i = std::exchange(i->kin()->next, nullptr);
    }
    for (auto* i : take_ended(guard))
      children.push_back(i);
  }
  for (auto* child : children)
    child->release();
  if (kept)
    kept->orphan();
}

std::vector<worker_core*> family::take_ended() {
  held guard{of_.mtx_};
  return take_ended(guard);
}

std::vector<worker_core*> family::take_ended(const held&) {
  std::vector<worker_core*> result;
  if (!of_.lazy_)
    return result;
  for (auto* i = std::exchange(of_.lazy_->ended_child, nullptr);
       i != nullptr;) {
    result.push_back(i);
    i = std::exchange(i->kin()->next, nullptr);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

/// The parent's list holds a reference, which goes over to the list of those
/// that have ended.
void family::tell_parent() {
  auto& parent = *of_.kin()->parent;
  held guard{parent.mtx_};
  if (!std::exchange(of_.kin()->is_listed, false))
    return;
  if (of_.kin()->previous != nullptr)
    of_.kin()->previous->kin()->next = of_.kin()->next;
  else
    parent.lazy_->first_child = of_.kin()->next;
  if (of_.kin()->next != nullptr)
    of_.kin()->next->kin()->previous = of_.kin()->previous;
  of_.kin()->previous = nullptr;
  of_.kin()->next = std::exchange(parent.lazy_->ended_child, &of_);
  parent.add_todo(todo::child_ended);
}

// -- of a supervisor -----------------------------------------------------------

void family::set_group(std::shared_ptr<child_group> children) {
  std::shared_ptr<const tree_status> former; // goes without the lock
  held guard{of_.mtx_};
  of_.make_lazy().children = std::move(children);
  former.swap(of_.make_lazy().last_children);
}

std::shared_ptr<child_group> family::group() const {
  held guard{of_.mtx_};
  return of_.lazy().children;
}

std::shared_ptr<const tree_status> family::last_group() const {
  held guard{of_.mtx_};
  return of_.lazy().last_children;
}

void family::group_over() noexcept {
  held guard{of_.mtx_};
  if (of_.life_.machine.at() == rules::stage::forcing
      && of_.life_.end().abandon_due)
    of_.arm(guard, of_.rt().time().now());
  of_.add_todo(todo::child_ended);
}

bool family::any(const held&) const {
  if (!of_.lazy_)
    return false;
  const auto& kept = of_.lazy_->children;
  return of_.lazy_->first_child != nullptr || (kept && !kept->over());
}

} // namespace troupe::detail
