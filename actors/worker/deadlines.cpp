// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The one deadline of a worker's stage: how it is set, and what follows it.

#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <utility>

namespace troupe::detail {

/// Goes off when a deadline may have passed. Holds the core while it is set.
class worker_core::alarm final : public clock::job {
public:
  explicit alarm(worker_core& core) noexcept : core_(core) {
    // nop
  }

  void set(const held&, time_point due) {
    due_ = due;
    // As long as it goes off before, it looks once more when it does.
    if (armed() && goes_off_ <= due)
      return;
    goes_off_ = due;
    core_.rt().time().schedule(*this, due);
  }

  /// The deadline that was set last.
  [[nodiscard]] time_point due() const noexcept {
    return due_;
  }

  void run() noexcept override {
    core_.deadline_passed();
  }

  void retain() noexcept override {
    core_.retain();
  }

  void release() noexcept override {
    core_.release();
  }

private:
  worker_core& core_;
  time_point due_ = never;
  time_point goes_off_ = never;
};

/// The deadline of the current stage.
time_point worker_core::due(const held&) const noexcept {
  return is_armed_ ? static_cast<const alarm&>(*alarm_).due() : never;
}

/// Sets the one deadline of the current stage.
void worker_core::arm(const held& lock, time_point due) {
  is_armed_ = due != never;
  if (is_armed_) {
    if (!alarm_)
      alarm_ = std::make_unique<alarm>(*this);
    static_cast<alarm&>(*alarm_).set(lock, due);
  } else if (alarm_) {
    rt().time().unschedule(*alarm_);
  }
}

/// Runs on the clock's thread, whatever the worker does meanwhile.
void worker_core::deadline_passed() {
  auto from = rules::stage::created;
  auto to = from;
  {
    held guard{mtx_};
    if (!is_armed_)
      return; // It went off when this was changed.
    if (const auto limit = due(guard); rt().time().now() < limit) {
      static_cast<alarm&>(*alarm_).set(guard, limit);
      return;
    }
    is_armed_ = false;
    from = life_.machine.at();
    // While children are being joined the time is theirs: each of them is bound
    // to end, by its own deadlines, once it has been forced.
    // A supervisor that has no thread is abandoned after its children, or it
    // would be blamed for them. The children of a supervisor that was killed
    // stop by themselves.
    if (auto& children = lazy().children;
        children && !children->over()
        && (from == rules::stage::forcing || from == rules::stage::killing)) {
      life_.make_end().abandon_due = from == rules::stage::forcing;
      return;
    }
    // Nor does a new life begin beside linked children of this one. They were
    // forced, and its own code may have returned long ago: look once more.
    if (const auto now = rt().time().now();
        lazy().first_child != nullptr && now < life_.end().limits.end
        && (from == rules::stage::killing
            || from == rules::stage::cleanup_forcing)) {
      const auto later = deadline_after(now, std::max(config_->periods.force,
                                                      rules::least_to_go));
      arm(guard, std::min(later, life_.end().limits.end));
      return;
    }
    auto joining = life_.joins();
    if (joining && has_children(guard)) {
      guard.unlock();
      stop_children(how_to_end::by_force);
      return;
    }
    failure why;
    if (from == rules::stage::starting || from == rules::stage::warming)
      why.reason = caf::make_error(errc::start_timeout,
                                   subject() + " was not ready within "
                                     + render(config_->periods.start_timeout));
    auto what = life_.machine.feed(joining ? rules::event::join_overdue
                                           : rules::event::deadline);
    to = life_.machine.at();
    apply(guard, what, why);
  }
  log_transition(from, to);
  if (to == rules::stage::abandoned && from != to)
    leave_behind();
}

/// The worker is abandoned: nobody waits for it any more.
void worker_core::leave_behind() {
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  rt().pool().abandon(*this);
  disappoint_askers();
  if (queue_ && owner_)
    queue_->let_go();
  else if (queue_)
    queue_->discard(message_queue::fate::abandoned);
  stop_children(how_to_end::linked_by_force);
  disown_children();
  end_reached();
  held guard{mtx_};
  if (std::exchange(entered_, false))
    rt().uncount_worker();
}

/// A stop may end the clean-up earlier, but never gives it more time.
void worker_core::shorten_cleanup(const held& lock) {
  arm(lock, std::min(due(lock), cleanup_deadline(lock)));
}

/// The limits have become tighter: so does the deadline of what is under way.
void worker_core::shorten_deadline(const held& lock) {
  const auto at = life_.machine.at();
  if (rules::is_closing(at))
    shorten_cleanup(lock);
  else if (rules::is_frozen(at))
    arm(lock, std::min(due(lock), rules::abandon_at(rt().time().now(),
                                                    config_->periods.force,
                                                    life_.end().limits)));
}

rules::stage worker_core::end_farewell() {
  held guard{mtx_};
  const auto at = life_.machine.at();
  if (at != rules::stage::abandoned)
    arm(guard, never);
  return at;
}

void worker_core::join_again() {
  held guard{mtx_};
  life_.in_cleanup = false;
}

void worker_core::begin_cleanup() {
  held guard{mtx_};
  // A force that was quicker has armed the deadline that holds now.
  if (!rules::is_closing(life_.machine.at()))
    return;
  life_.in_cleanup = true;
  arm(guard, cleanup_deadline(guard));
}

} // namespace troupe::detail
