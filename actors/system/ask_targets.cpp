// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "system/ask_targets.hpp"

#include "base/linked_list.hpp"
#include "system/caf_compat.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/attachable.hpp>
#include <caf/node_id.hpp>
#include <caf/sec.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace troupe::detail {

/// One actor that was asked.
struct ask_targets::target {
  /// Finds its `watch` among what is attached; CAF has no such type.
  static constexpr std::size_t token_type = 0x74726f75;

  explicit target(caf::actor_control_block& x) noexcept : who(&x) {
    // nop
  }

  /// Good while somebody is in the list, who holds it.
  caf::actor_control_block* who;
  bool attached = false; // a watch
  waiter* first = nullptr;
  waiter* last = nullptr;
};

/// Called by CAF when the actor is gone.
class ask_targets::watch final : public caf::attachable {
public:
  watch(std::shared_ptr<ask_targets> targets,
        std::shared_ptr<target> whom) noexcept
    : targets_(std::move(targets)), whom_(std::move(whom)) {
    // nop
  }

  void actor_exited(const caf::error& why,
                    compat::execution_context*) override {
    const auto gone
      = caf::make_error(caf::sec::request_receiver_down,
                        "the actor that was asked is on another node and has "
                        "ended, or the connection to its node is lost: "
                          + to_string(why));
    targets_->end(whom_, gone);
  }

  bool matches(const token& what) override {
    return what.subtype == target::token_type && what.ptr == whom_.get();
  }

private:
  std::shared_ptr<ask_targets> targets_;
  std::shared_ptr<target> whom_;
};

bool ask_targets::is_remote(const caf::actor_control_block& whom,
                            const caf::node_id& here) noexcept {
  // All actors of a node share what identifies it.
  return whom.nid.operator->() != here.operator->() && whom.nid != here;
}

void ask_targets::add(waiter& x, caf::actor_control_block& whom, known_by how) {
  std::shared_ptr<target> made;
  {
    std::unique_lock guard{mtx_};
    auto& known = targets_[&whom];
    if (!known) {
      known = std::make_shared<target>(whom);
      known->attached = how == known_by::attachable;
      if (known->attached)
        made = known;
    }
    link_last(x, known->first, known->last, &waiter::next_, &waiter::previous_);
    x.whom_ = known;
  }
  // Without the lock: of an actor that is gone it comes back at once.
  if (made)
    whom.get()->attach(std::make_unique<watch>(shared_from_this(), made));
}

void ask_targets::remove(waiter& x) noexcept {
  std::shared_ptr<target> idle;
  {
    std::unique_lock guard{mtx_};
    if (!x.whom_)
      return;
    auto whom = std::move(x.whom_);
    unlink(x, whom->first, whom->last, &waiter::next_, &waiter::previous_);
    if (whom->first != nullptr)
      return;
    targets_.erase(whom->who);
    if (!whom->attached)
      return;
    idle = std::move(whom);
  }
  // Without the lock, since CAF calls with its own one held: meanwhile the
  // actor may be asked again, which makes another target.
  idle->who->get()->detach(*idle);
}

void ask_targets::add(table& x) {
  std::unique_lock guard{mtx_};
  tables_.push_back(&x);
}

void ask_targets::remove(table& x) noexcept {
  std::unique_lock guard{mtx_};
  const auto i = std::find(tables_.begin(), tables_.end(), &x);
  *i = tables_.back();
  tables_.pop_back();
}

void ask_targets::lose(caf::actor_control_block& whom,
                       const caf::error& why) noexcept {
  std::shared_ptr<target> found;
  {
    std::unique_lock guard{mtx_};
    for (auto* x : tables_)
      x->target_lost(whom, why);
    if (const auto i = targets_.find(&whom); i != targets_.end())
      found = i->second;
  }
  if (found)
    end(found, why);
}

void ask_targets::end(const std::shared_ptr<target>& whom,
                      const caf::error& why) noexcept {
  std::unique_lock guard{mtx_};
  if (whom->first == nullptr)
    return;
  targets_.erase(whom->who);
  // The last ones first: they are the last ones in their workers' tables.
  while (auto* x = whom->last) {
    unlink(*x, whom->first, whom->last, &waiter::next_, &waiter::previous_);
    x->whom_ = nullptr;
    x->target_lost(why);
  }
}

} // namespace troupe::detail
