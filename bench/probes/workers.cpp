// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <cstddef>
#include <latch>
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

} // namespace

figures raw_workers(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::latch ready{1};
  std::latch over{1};
  auto boss = sys.spawn<raw_supervisor>(size, &ready, &over);
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
