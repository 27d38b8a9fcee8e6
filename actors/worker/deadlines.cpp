// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The one deadline of a worker's stage: how it is set, and what follows it.

#include "worker/deadlines.hpp"
#include "worker/complaints.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/news.hpp"
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
    deadlines{core_}.look();
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

void deadlines::look() {
  auto from = rules::stage::created;
  auto to = from;
  {
    held guard{of_.mtx_};
    if (!of_.is_armed_)
      return; // It went off when this was changed.
    if (const auto limit = of_.due(guard); of_.rt().time().now() < limit) {
      static_cast<worker_core::alarm&>(*of_.alarm_).set(guard, limit);
      return;
    }
    of_.is_armed_ = false;
    if (of_.over_) {
      guard.unlock();
      complaints{of_}.tell_unread();
      return;
    }
    from = of_.life_.machine.at();
    // While children are being joined the time is theirs: each of them is bound
    // to end, by its own deadlines, once it has been forced.
    // A supervisor that has no thread is abandoned after its children, or it
    // would be blamed for them. The children of a supervisor that was killed
    // stop by themselves.
    if (auto& children = of_.lazy().children;
        children && !children->over()
        && (from == rules::stage::forcing || from == rules::stage::killing)) {
      of_.life_.make_end().abandon_due = from == rules::stage::forcing;
      return;
    }
    // Nor does a new life begin beside linked children of this one. They were
    // forced, and its own code may have returned long ago: look once more.
    if (const auto now = of_.rt().time().now();
        of_.lazy().first_child != nullptr && now < of_.life_.end().limits.end
        && (from == rules::stage::killing
            || from == rules::stage::cleanup_forcing)) {
      const auto later = deadline_after(
        now, std::max(of_.config().periods.force, rules::least_to_go));
      of_.arm(guard, std::min(later, of_.life_.end().limits.end));
      return;
    }
    auto joining = of_.life_.joins();
    if (joining && family{of_}.any(guard)) {
      guard.unlock();
      family{of_}.stop(family::how_to_end::by_force);
      return;
    }
    failure why;
    if (from == rules::stage::starting || from == rules::stage::warming)
      why.reason = caf::make_error(
        errc::start_timeout, of_.subject() + " was not ready within "
                               + render(of_.config().periods.start_timeout));
    auto what = of_.life_.machine.feed(joining ? rules::event::join_overdue
                                               : rules::event::deadline);
    to = of_.life_.machine.at();
    of_.apply(guard, what, why);
  }
  log_transition(of_, from, to);
  if (to == rules::stage::abandoned && from != to)
    of_.leave_behind();
}

/// The worker is abandoned: nobody waits for it any more.
void worker_core::leave_behind() {
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  complaints{*this}.tell_abandoned();
  rt().pool().abandon(*this);
  if (const auto whom = actor())
    rt().targets_of_asks().lose(*whom,
                                caf::make_error(caf::sec::request_receiver_down,
                                                subject() + " was abandoned"));
  if (queue_ && owner() != nullptr)
    queue_->let_go();
  else if (queue_)
    queue_->discard(message_queue::fate::abandoned);
  family below{*this};
  below.stop(family::how_to_end::linked_by_force);
  below.disown();
  end_reached();
  held guard{mtx_};
  if (std::exchange(entered_, false))
    rt().uncount_worker();
}

time_point deadlines::of_cleanup(const held&) const {
  return of_.life_.cleanup_deadline(of_.rt().time().now(),
                                    of_.config().periods);
}

void deadlines::shorten_cleanup(const held& lock) {
  of_.arm(lock, std::min(of_.due(lock), of_cleanup(lock)));
}

void deadlines::shorten(const held& lock) {
  const auto at = of_.life_.machine.at();
  if (rules::is_closing(at))
    shorten_cleanup(lock);
  else if (rules::is_frozen(at))
    of_.arm(lock, std::min(of_.due(lock),
                           rules::abandon_at(of_.rt().time().now(),
                                             of_.config().periods.force,
                                             of_.life_.end().limits)));
}

void deadlines::keep_within(const rules::stop_limits& limits) {
  held guard{of_.mtx_};
  if (limits == rules::stop_limits{} || rules::is_final(of_.life_.machine.at()))
    return;
  auto& end = of_.life_.make_end();
  end.limits = rules::tighten(end.limits, limits);
  shorten(guard);
}

rules::stage deadlines::end_farewell() {
  held guard{of_.mtx_};
  const auto at = of_.life_.machine.at();
  if (at != rules::stage::abandoned)
    of_.arm(guard, never);
  return at;
}

void deadlines::join_again() {
  held guard{of_.mtx_};
  of_.life_.in_cleanup = false;
}

void deadlines::begin_cleanup() {
  held guard{of_.mtx_};
  // A force that was quicker has armed the deadline that holds now.
  if (!rules::is_closing(of_.life_.machine.at()))
    return;
  of_.life_.in_cleanup = true;
  of_.arm(guard, of_cleanup(guard));
}

} // namespace troupe::detail
