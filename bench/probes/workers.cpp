// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/disposable.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <latch>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::bench {

namespace {

// -- by hand -------------------------------------------------------------------

/// Starts actors that do nothing, stops them when it is told to, and counts
/// those that have ended: what a program does by hand. Both in a window, since
/// CAF 0.18 is slow with many at once.
class raw_supervisor : public caf::event_based_actor {
public:
  raw_supervisor(caf::actor_config& cfg, std::size_t size, std::latch* ready,
                 std::latch* over)
    : caf::event_based_actor(cfg), size_(size), ready_(ready), over_(over) {
    // nop
  }

  caf::behavior make_behavior() override {
    children_.reserve(size_);
    return {
      [this](caf::ok_atom) { // a child has come, or the beginning
        if (++came_ == size_ + 1)
          ready_->count_down();
        else
          start_some();
      },
      [this](caf::close_atom) { stop_some(); },
    };
  }

private:
  static constexpr std::size_t window = 64;

  void start_some() {
    auto* self = this;
    while (children_.size() < size_ && children_.size() + 1 < came_ + window) {
      children_.push_back(spawn([](caf::event_based_actor*) {
        return caf::behavior{
          [](caf::ok_atom) { return caf::ok_atom_v; },
        };
      }));
      support::tell_from(self, children_.back(), caf::ok_atom_v);
    }
  }

  void stop_some() {
    while (asked_ < size_ && asked_ < ended_ + window) {
      auto& child = children_[asked_++];
      auto* self = this;
      support::watch_with(self, child, [this] {
        if (++ended_ == size_)
          over_->count_down();
        else
          stop_some();
      });
      send_exit(child, caf::exit_reason::user_shutdown);
      child = nullptr;
    }
  }

  std::size_t size_;
  std::latch* ready_;
  std::latch* over_;
  std::size_t came_ = 0;
  std::size_t asked_ = 0;
  std::size_t ended_ = 0;
  std::vector<caf::actor> children_;
};

/// Starts `size` children of such a supervisor, and stops them.
template <class Supervisor>
figures by_hand(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::latch ready{1};
  std::latch over{1};
  auto boss = sys.spawn<Supervisor>(size, &ready, &over);
  const auto before = resident_bytes();
  auto start = stopwatch::now();
  support::tell(boss, caf::ok_atom_v);
  ready.wait();
  const auto started = nanos_since(start);
  const auto bytes = resident_bytes() - before;
  start = stopwatch::now();
  support::tell(boss, caf::close_atom_v);
  over.wait();
  return for_each(size, started, bytes, nanos_since(start));
}

} // namespace

figures raw_workers(std::size_t size) {
  return by_hand<raw_supervisor>(size);
}

// -- by hand, with what a supervisor promises ------------------------------------

namespace {

/// What a spec is by hand: it can start the child again.
using factory = std::function<caf::actor(caf::event_based_actor&)>;

/// Does as much for its children as troupe does, as far as raw CAF can: each
/// has a name, can be started again, cleans up when it is asked to stop, says
/// how it has ended, and is killed if that takes too long. What it does not do:
/// report the state of a child that is stuck, or stop one that has not begun.
class careful_supervisor : public caf::event_based_actor {
public:
  careful_supervisor(caf::actor_config& cfg, std::size_t size,
                     std::latch* ready, std::latch* over)
    : caf::event_based_actor(cfg), size_(size), ready_(ready), over_(over) {
    // nop
  }

  caf::behavior make_behavior() override {
    return {
      [this](caf::ok_atom) { // a child is ready, or the beginning
        if (++came_ == size_ + 1)
          ready_->count_down();
        else
          start_some();
      },
      [this](caf::close_atom) { stop_some(); },
      // How a child has ended, in its own words.
      [this](caf::error how, std::size_t which) {
        auto& child = children_[which];
        child.end = std::move(how);
        child.deadline.dispose();
      },
    };
  }

private:
  static constexpr std::size_t window = 64;

  static constexpr auto grace = std::chrono::seconds{10};

  struct kept {
    std::string name;
    factory make;
    caf::actor who;
    caf::error end;
    caf::disposable deadline;
  };

  static caf::behavior child(caf::event_based_actor* self, caf::actor boss,
                             std::size_t which) {
    return {
      [](caf::ok_atom) { return caf::ok_atom_v; },
      [self, boss, which](caf::close_atom) {
        // Here it would clean up.
        auto* me = self;
        support::tell_from(me, boss, caf::error{}, which);
        self->quit();
      },
    };
  }

  void start_some() {
    while (children_.size() < size_ && children_.size() + 1 < came_ + window) {
      const auto which = children_.size();
      children_.push_back({std::to_string(which),
                           [which](caf::event_based_actor& boss) {
                             return boss.spawn(child, caf::actor{&boss}, which);
                           },
                           {},
                           {},
                           {}});
      auto& x = children_.back();
      names_.emplace(x.name, which);
      x.who = x.make(*this);
      auto* self = this;
      support::watch_with(self, x.who, [this] { one_has_ended(); });
      support::tell_from(self, x.who, caf::ok_atom_v);
    }
  }

  void stop_some() {
    while (asked_ < size_ && asked_ < ended_ + window) {
      auto& x = children_[asked_++];
      x.deadline = run_delayed(grace, [this, who = x.who] {
        send_exit(who, caf::exit_reason::kill);
      });
      auto* self = this;
      support::tell_from(self, x.who, caf::close_atom_v);
      x.who = nullptr;
    }
  }

  void one_has_ended() {
    if (++ended_ == size_)
      over_->count_down();
    else
      stop_some();
  }

  std::size_t size_;
  std::latch* ready_;
  std::latch* over_;
  std::size_t came_ = 0;
  std::size_t asked_ = 0;
  std::size_t ended_ = 0;
  std::deque<kept> children_;
  std::unordered_map<std::string, std::size_t> names_;
};

} // namespace

figures careful_workers(std::size_t size) {
  return by_hand<careful_supervisor>(size);
}

// -- with troupe ---------------------------------------------------------------

namespace {

class idler : public worker {
public:
  task<> run() override {
    co_await stop_requested();
  }
};

} // namespace

figures troupe_workers(std::size_t size) {
  const auto all = measure_crowd<idler>(size, [] {});
  return for_each(size, all.start, all.bytes, all.stop);
}

} // namespace troupe::bench
