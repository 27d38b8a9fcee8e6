// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/job_board.hpp"

#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace troupe::observing {

/// The metrics of the stores of jobs that are open in an actor system.
/// Thread-safe.
class job_metrics {
public:
  explicit job_metrics(caf::telemetry::metric_registry& where);

  /// Brings them up to date. Blocks for as long as the stores do.
  void sample(const detail::job_board& stores);

private:
  using counter = caf::telemetry::int_counter;
  using gauge = caf::telemetry::int_gauge;

  /// A counter that follows a number which somebody else counts.
  struct follower {
    counter* what = nullptr;
    std::uint64_t noted = 0;

    void follow(std::uint64_t x);
  };

  struct queue_metrics {
    gauge* waiting;
    gauge* running;
    gauge* buried;
    caf::telemetry::dbl_gauge* oldest;
    follower put;
    follower done;
    follower purged;
    follower failures;
    bool seen = false;

    void show(const detail::job_queue_figures& x);
  };

  struct store_metrics {
    gauge* up;
    follower crashes;
  };

  store_metrics& of(const std::string& store);

  queue_metrics& of(const std::string& store, const std::string& queue);

  void show(const std::string& store, const detail::job_store_figures& x);

  std::mutex mtx_;
  caf::telemetry::metric_registry& registry_;
  std::map<std::string, store_metrics> stores_;
  std::map<std::pair<std::string, std::string>, queue_metrics> queues_;
};

} // namespace troupe::observing
