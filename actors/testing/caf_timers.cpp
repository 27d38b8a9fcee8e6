// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "testing/caf_timers.hpp"

#include <atomic>
#include <utility>
#include <vector>

namespace troupe::testing {

using namespace detail;

// -- one action ----------------------------------------------------------------

class caf_timers::entry final : public clock::job {
public:
  entry(caf_timers& parent, caf::action what, timespan every)
    : action(std::move(what)), period(every), parent_(parent) {
    // nop
  }

  void run() noexcept override {
    auto due = time_point{};
    {
      const std::lock_guard guard{parent_.mtx_};
      if (!std::exchange(listed, false))
        return;
      due = position->first;
      parent_.entries_.erase(position);
      parent_.size_ = parent_.entries_.size();
    }
    const job_ptr until_the_end{this};
    if (!parent_.run_(action) || period <= timespan::zero())
      return;
    const auto now = parent_.clock_.now();
    do
      due += period;
    while (due <= now);
    parent_.schedule(due, std::move(action), period);
  }

  void retain() noexcept override {
    references_.fetch_add(1, std::memory_order_relaxed);
  }

  void release() noexcept override {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }

  caf::action action;
  timespan period;

  /// Where it stands in the table, while `listed`.
  table::iterator position;
  bool listed = false;

private:
  caf_timers& parent_;
  std::atomic<std::size_t> references_{1};
};

// -- the table -----------------------------------------------------------------

caf_timers::caf_timers(virtual_clock& time, runner run,
                       std::function<void()> changed)
  : clock_(time), run_(run), changed_(std::move(changed)) {
  // nop
}

caf_timers::~caf_timers() {
  close();
}

void caf_timers::schedule(time_point due, caf::action what, timespan period) {
  job_ptr added;
  {
    const std::lock_guard guard{mtx_};
    if (!closed_) {
      auto* e = new entry(*this, what, period);
      added = job_ptr{e};
      e->position = entries_.emplace(due, e);
      e->listed = true;
      e->retain();
      size_ = entries_.size();
    }
  }
  if (!added) {
    what.dispose();
    return;
  }
  clock_.schedule(*added, due);
  changed_();
}

void caf_timers::sweep() {
  if (size_.load(std::memory_order_acquire) == 0)
    return;
  std::vector<job_ptr> dropped;
  {
    const std::lock_guard guard{mtx_};
    const auto all = full_sweep_due();
    for (auto i = entries_.begin(); i != entries_.end();) {
      auto* e = i->second;
      if (e->action.disposed()) {
        i = entries_.erase(i);
        e->listed = false;
        dropped.emplace_back(e);
      } else if (all) {
        ++i;
      } else {
        break;
      }
    }
    size_ = entries_.size();
  }
  // Without the lock: the last reference to an action may hold the last one to
  // an actor, which says good-bye to others when it goes.
  for (auto& e : dropped)
    clock_.unschedule(*e);
}

void caf_timers::close() {
  table entries;
  {
    const std::lock_guard guard{mtx_};
    closed_ = true;
    entries.swap(entries_);
    size_ = 0;
    for (auto& [due, e] : entries)
      e->listed = false;
  }
  for (auto& [due, e] : entries) {
    const job_ptr last{e};
    clock_.unschedule(*last);
    e->action.dispose();
  }
}

bool caf_timers::full_sweep_due() {
  constexpr std::size_t share = 8;
  if (++sweeps_ * share < entries_.size())
    return false;
  sweeps_ = 0;
  return true;
}

} // namespace troupe::testing
