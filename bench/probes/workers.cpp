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

/// Starts children, stops them when it is told to, and counts those that have
/// ended. Both in a window, since CAF 0.18 is slow with many at once.
class crowd : public caf::event_based_actor {
public:
  crowd(caf::actor_config& cfg, std::size_t size, std::latch* ready,
        std::latch* over)
    : caf::event_based_actor(cfg), size_(size), ready_(ready), over_(over) {
    // nop
  }

protected:
  virtual void start_one(std::size_t which) = 0;

  virtual void stop_one(std::size_t which) = 0;

  /// A child has come, or the beginning.
  void one_has_come() {
    if (++came_ == size_ + 1)
      ready_->count_down();
    while (started_ < size_ && started_ + 1 < came_ + window)
      start_one(started_++);
  }

  void stop_some() {
    while (asked_ < size_ && asked_ < ended_ + window)
      stop_one(asked_++);
  }

  void one_has_ended() {
    if (++ended_ == size_)
      over_->count_down();
    stop_some();
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

private:
  static constexpr std::size_t window = 64;

  std::size_t size_;
  std::latch* ready_;
  std::latch* over_;
  std::size_t started_ = 0;
  std::size_t came_ = 0;
  std::size_t asked_ = 0;
  std::size_t ended_ = 0;
};

/// Its children do nothing, and an exit is all they are told: what a program
/// does by hand.
class raw_supervisor final : public crowd {
public:
  using crowd::crowd;

  caf::behavior make_behavior() override {
    children_.reserve(size());
    return {
      [this](caf::ok_atom) { one_has_come(); },
      [this](caf::close_atom) { stop_some(); },
    };
  }

protected:
  void start_one(std::size_t) override {
    auto* self = this;
    children_.push_back(spawn([](caf::event_based_actor*) {
      return caf::behavior{
        [](caf::ok_atom) { return caf::ok_atom_v; },
      };
    }));
    support::tell_from(self, children_.back(), caf::ok_atom_v);
  }

  void stop_one(std::size_t which) override {
    auto* self = this;
    auto& child = children_[which];
    support::watch_with(self, child, [this] { one_has_ended(); });
    send_exit(child, caf::exit_reason::user_shutdown);
    child = nullptr;
  }

private:
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
class careful_supervisor final : public crowd {
public:
  using crowd::crowd;

  caf::behavior make_behavior() override {
    return {
      [this](caf::ok_atom) { one_has_come(); },
      [this](caf::close_atom) { stop_some(); },
      // How a child has ended, in its own words.
      [this](caf::error how, std::size_t which) {
        auto& child = children_[which];
        child.end = std::move(how);
        child.deadline.dispose();
      },
    };
  }

protected:
  void start_one(std::size_t which) override {
    auto* self = this;
    auto& x = children_.emplace_back();
    x.name = std::to_string(which);
    x.make = [which](caf::event_based_actor& boss) {
      return boss.spawn(child, caf::actor{&boss}, which);
    };
    names_.emplace(x.name, which);
    x.who = x.make(*this);
    support::watch_with(self, x.who, [this] { one_has_ended(); });
    support::tell_from(self, x.who, caf::ok_atom_v);
  }

  void stop_one(std::size_t which) override {
    auto* self = this;
    auto& x = children_[which];
    x.deadline = run_delayed(grace, [this, who = x.who] {
      send_exit(who, caf::exit_reason::kill);
    });
    support::tell_from(self, x.who, caf::close_atom_v);
    x.who = nullptr;
  }

private:
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
        auto* sender = self;
        support::tell_from(sender, boss, caf::error{}, which);
        self->quit();
      },
    };
  }

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
