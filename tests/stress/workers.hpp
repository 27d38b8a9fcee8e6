// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "stress/parcel.hpp"
#include "stress/watch.hpp"
#include "support/dice.hpp"
#include "troupe/blocking_worker.hpp"
#include "troupe/child.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/worker.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace stress {

/// Shared by the workers of a round. Outlives its actor system.
struct scene {
  explicit scene(watch& x) : eyes(x) {
    // nop
  }

  /// Keeps the calling thread until `let_go()`, if there is a place.
  void sit(const std::string& path);

  /// Lets all that sit go on; nobody sits any more.
  void let_go();

  watch& eyes;
  /// Whom an order means by a number.
  std::vector<std::string> paths;
  /// How many may sit at the same time.
  std::atomic<int> seats{0};
  std::atomic<bool> is_open{false};
  /// How many lives have begun.
  std::atomic<std::uint64_t> lives{0};
};

/// How a worker behaves, besides its orders.
struct habits {
  unsigned start_fails = 0; ///< In percent.
  bool starts_slowly = false;
  bool ignores_stops = false;
  bool cleans_up = false;
  bool takes_batches = false;
};

[[nodiscard]] habits some_habits(support::dice& draw);

/// Options that make all paths through a queue and a stop likely.
[[nodiscard]] troupe::worker_options some_options(support::dice& draw);

/// Likely orders, and now and then one that ends a life.
[[nodiscard]] order some_order(support::dice& draw);

/// Takes orders from its queue.
class hand : public troupe::queue_consumer<parcel> {
public:
  explicit hand(scene& where, habits how = {}) : scene_(where), how_(how) {
    // nop
  }

  troupe::task<> on_startup() override;

  troupe::task<> run() override;

  troupe::task<> on_shutdown() override;

  troupe::message_handlers handlers() override;

  troupe::status_fields describe() override;

protected:
  troupe::task<> hand_over(std::vector<parcel> rest) override;

private:
  troupe::task<bool> obey(parcel x);

  troupe::task<> work_with(const parcel& x);

  scene& scene_;
  habits how_;
  int kids_ = 0;
};

/// Takes nothing but messages: a life without a wait of its own.
class bare_hand : public troupe::queue_consumer<parcel> {
public:
  explicit bare_hand(scene& where) : scene_(where) {
    // nop
  }

  troupe::task<> run() override;

private:
  scene& scene_;
};

/// A linked child: lives until it is stopped, or longer.
class kid : public troupe::worker {
public:
  kid(scene& where, bool stubborn) : scene_(where), stubborn_(stubborn) {
    // nop
  }

  troupe::task<> run() override;

private:
  scene& scene_;
  bool stubborn_;
};

/// Blocks a thread of its own until a stop.
class blocker : public troupe::blocking_worker {
public:
  explicit blocker(scene& where) : scene_(where) {
    // nop
  }

  void run(std::stop_token stop) override;

private:
  scene& scene_;
};

/// Calls a function for each message, which fails now and then.
class clerk : public troupe::queue_worker<parcel> {
public:
  clerk();
};

/// Keeps a thread for about so long.
void compute(std::chrono::microseconds length);

} // namespace stress
