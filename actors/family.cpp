// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Linked children: who they are, how they are stopped, how they end.

#include "cell.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe {

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
  std::shared_ptr<brood> kept;
  auto limits = rules::stop_limits{};
  auto limit = never;
  {
    std::unique_lock guard{mtx_};
    limit = end().stop_asked_at != never ? end().grace_over : never;
    kept = extra().children;
    limits = end().limits;
    for (auto* i = first_child_; i != nullptr; i = i->next_sibling_)
      children.emplace_back(*i);
  }
  for (auto& child : children) {
    if (child->stage() == rules::stage::created)
      child->drop_unstarted(caf::make_error(
        errc::cancelled,
        child->subject() + " was not started: its parent ends"));
    else if (by_force)
      child->force();
    else
      child->request_stop(child->terms().on_stop, limit);
  }
  if (kept && by_force)
    kept->force();
  else if (kept)
    kept->stop(limits);
}

bool cell::has_children() const {
  std::unique_lock guard{mtx_};
  return has_children_locked();
}

std::vector<cell_ptr> cell::linked_children() const {
  std::vector<cell_ptr> result;
  {
    std::unique_lock guard{mtx_};
    for (auto* i = first_child_; i != nullptr; i = i->next_sibling_)
      result.emplace_back(*i);
  }
  // The list begins with the one that came last.
  std::reverse(result.begin(), result.end());
  return result;
}

void cell::disown_children() noexcept {
  std::vector<cell*> children;
  std::shared_ptr<brood> kept;
  {
    std::unique_lock guard{mtx_};
    if (extras_)
      kept = std::exchange(extras_->children, nullptr);
    for (auto* i = std::exchange(first_child_, nullptr); i != nullptr;) {
      i->is_listed_child_ = false;
      i->previous_sibling_ = nullptr;
      children.push_back(i);
      i = std::exchange(i->next_sibling_, nullptr);
    }
    for (auto* i : take_ended_locked())
      children.push_back(i);
  }
  for (auto* child : children)
    child->release();
  if (kept)
    kept->orphan();
}

void cell::note_blockers(stop_report who) {
  std::unique_lock guard{mtx_};
  make_end().how.blockers_ = std::move(who);
}

std::vector<cell*> cell::take_ended_children() {
  std::unique_lock guard{mtx_};
  return take_ended_locked();
}

/// @pre `mtx_` is held
std::vector<cell*> cell::take_ended_locked() {
  std::vector<cell*> result;
  for (auto* i = std::exchange(ended_child_, nullptr); i != nullptr;) {
    result.push_back(i);
    i = std::exchange(i->next_sibling_, nullptr);
  }
  std::reverse(result.begin(), result.end());
  return result;
}

void cell::release_waiters() {
  {
    std::unique_lock guard{mtx_};
    over_ = true;
    announce(lifecycle_awaiter::what::over);
  }
  home_->notify();
  send_replies(lifecycle_awaiter::what::over);
  // Who waits for the one that this one has succeeded waits for this one.
  // The two hold each other up to here.
  auto* before = [this] {
    std::unique_lock guard{mtx_};
    return std::exchange(predecessor_, nullptr);
  }();
  if (before != nullptr) {
    before->release_waiters();
    before->release();
  }
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
  previous_sibling_ = nullptr;
  next_sibling_ = std::exchange(parent_->ended_child_, this);
  parent_->add_todo(todo::child_ended);
}

} // namespace troupe
