// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/metrics.hpp"

#include "observer/exposition.hpp"
#include "observer/job_metrics.hpp"
#include "pool/pool_worker.hpp"
#include "system/meter.hpp"
#include "system/runtime.hpp"
#include "troupe/call_later.hpp"
#include "troupe/error.hpp"
#include "troupe/events.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_system.hpp>
#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

using namespace detail;

namespace {

namespace telemetry = caf::telemetry;

/// One metric for each value of an enumeration.
template <class Metric, class Enum>
class by_value {
public:
  /// @param make Makes the metric of the value that it is given as text.
  template <class F>
  explicit by_value(F make) {
    for (std::size_t i = 0; i < all_.size(); ++i)
      all_[i] = make(to_string(static_cast<Enum>(i)));
  }

  [[nodiscard]] Metric& of(Enum x) const noexcept {
    return *all_[static_cast<std::size_t>(x)];
  }

private:
  std::array<Metric*, count_of<Enum>> all_{};
};

constexpr std::array life_bounds{1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 60.0};

constexpr std::array handle_bounds{1e-6, 1e-5, 1e-4, 1e-3,
                                   1e-2, 1e-1, 1.0,  10.0};

double seconds(timespan x) noexcept {
  return std::chrono::duration<double>(x).count();
}

void add_tree(const core_ptr& x, std::vector<core_ptr>& to) {
  to.push_back(x);
  auto below = family{*x}.linked();
  if (auto children = family{*x}.group())
    children->list(below);
  for (const auto& child : below)
    add_tree(child, to);
}

/// Those that a status shows: not each core that somebody holds a handle to.
std::vector<core_ptr> all_in_trees(runtime& rt) {
  std::vector<core_ptr> result;
  for (const auto& x : rt.top_cores())
    add_tree(x, result);
  return result;
}

/// The metrics of one actor system, in its registry.
class registry_meter final : public meter {
public:
  using counter = telemetry::int_counter;
  using gauge = telemetry::int_gauge;
  using histogram = telemetry::dbl_histogram;

  explicit registry_meter(caf::actor_system& sys)
    : registry_(sys.metrics()),
      rt_(runtime::of(sys)),
      workers_([this](const std::string& phase) {
        return registry_.gauge_instance("troupe", "workers", {{"phase", phase}},
                                        "Workers in a phase of their life.");
      }),
      degraded_(new_gauge("degraded", "Workers that say they are degraded.")),
      queued_(new_gauge("queued", "Messages that wait in queues.")),
      timers_(new_gauge("pending-timers", "Timers of the clock.")),
      starts_(new_counter("starts", "Lives that have begun.")),
      restarts_(new_counter("restarts", "Lives that were not the first.")),
      ends_([this](const std::string& kind) {
        return registry_.counter_instance("troupe", "ends", {{"kind", kind}},
                                          "Lives that have ended.", "1", true);
      }),
      give_ups_(new_counter("give-ups",
                            "Supervisors and children that were given up.")),
      stalls_(new_counter("stalls", "Times that code did not return.")),
      lost_claims_(
        new_counter("lost-claims", "Claims of durable jobs that were lost.")),
      dead_letters_([this](const std::string& reason) {
        return registry_.counter_instance("troupe", "dead-letters",
                                          {{"reason", reason}},
                                          "Messages that nobody handles.", "1",
                                          true);
      }),
      missed_(new_counter("missed-events", "Events that were not counted.")),
      start_duration_(new_histogram("start-duration", life_bounds,
                                    "From the start until it is ready.")),
      stop_duration_(new_histogram("stop-duration", life_bounds,
                                   "From the word to stop to the end.")),
      handle_duration_(new_histogram("handle-duration", handle_bounds,
                                     "How long a message is in hand.")),
      jobs_(registry_) {
    // nop
  }

  /// Begins to count events, and to look at all workers now and then.
  void begin(caf::actor_system& sys, timespan interval) {
    source_ = on_event(sys, [this](const lifecycle_event& x) { count(x); });
    subscribed_.store(true, std::memory_order_release);
    if (interval != infinite)
      sample_every(sys, interval);
  }

  // -- messages ---------------------------------------------------------------

  void handled(timespan length) noexcept override {
    handle_duration_->observe(seconds(length));
  }

  void buried(dead_letter_reason why, std::uint64_t n) noexcept override {
    dead_letters_.of(why).inc(static_cast<std::int64_t>(n));
  }

  void end() noexcept override {
    source_.cancel();
    delayed_call last;
    std::unique_lock guard{sampling_};
    std::swap(last, next_);
    guard.unlock();
  }

  // -- samples ----------------------------------------------------------------

  /// Brings up to date what only a look at all workers can tell.
  void sample() {
    auto rt = rt_.lock();
    if (!rt)
      return;
    std::array<std::int64_t, count_of<worker_phase>> phases{};
    std::int64_t degraded = 0;
    std::int64_t queued = 0;
    for (const auto& x : all_in_trees(*rt)) {
      ++phases[static_cast<std::size_t>(x->phase())];
      degraded += x->reported_health() == health::healthy ? 0 : 1;
      // A pool has the sum of what its workers have.
      if (router_of(*x) == nullptr)
        queued += static_cast<std::int64_t>(x->counts().queued);
    }
    std::unique_lock guard{sampling_};
    for (std::size_t i = 0; i < phases.size(); ++i)
      workers_.of(static_cast<worker_phase>(i)).value(phases[i]);
    degraded_->value(degraded);
    queued_->value(queued);
    timers_->value(static_cast<std::int64_t>(rt->time().pending()));
    const auto missed = missed_so_far();
    missed_->inc(static_cast<std::int64_t>(missed - noted_missed_));
    noted_missed_ = missed;
    guard.unlock();
    jobs_.sample(rt->jobs());
  }

private:
  // Arrays, because CAF's own type for such text takes no pointers.

  template <std::size_t N, std::size_t M>
  gauge* new_gauge(const char (&name)[N], const char (&help)[M]) {
    return registry_.gauge_singleton("troupe", name, help);
  }

  template <std::size_t N, std::size_t M>
  counter* new_counter(const char (&name)[N], const char (&help)[M]) {
    return registry_.counter_singleton("troupe", name, help, "1", true);
  }

  template <std::size_t N, std::size_t M>
  histogram* new_histogram(const char (&name)[N],
                           const std::array<double, 8>& upto,
                           const char (&help)[M]) {
    return registry_.histogram_singleton<double>(
      "troupe", name, caf::make_span(upto.data(), upto.size()), help,
      "seconds");
  }

  void sample_every(caf::actor_system& sys, timespan interval) {
    std::unique_lock guard{sampling_};
    next_ = call_later(sys, interval, [this, &sys, interval] {
      sample();
      sample_every(sys, interval);
    });
  }

  /// The first events may come before there is a subscription to be asked.
  [[nodiscard]] std::uint64_t missed_so_far() const noexcept {
    return subscribed_.load(std::memory_order_acquire) ? source_.missed() : 0;
  }

  // -- events, on one thread at a time ----------------------------------------

  void count(const lifecycle_event& x) {
    switch (x.kind) {
      case event_kind::restarted:
        restarts_->inc();
        starts_->inc();
        break;
      case event_kind::started:
        starts_->inc();
        break;
      case event_kind::ready:
        start_duration_->observe(seconds(x.span));
        break;
      case event_kind::stopping:
        note_stop(x);
        break;
      case event_kind::stopped:
        count_end(x, outcome_kind::normal);
        break;
      case event_kind::forced:
      case event_kind::abandoned:
        count_end(x, outcome_kind::forced);
        break;
      case event_kind::failed:
        count_end(x, outcome_kind::failed);
        count_failure(x.reason);
        break;
      case event_kind::cancelled:
        count_end(x, outcome_kind::cancelled);
        break;
      case event_kind::gave_up:
        give_ups_->inc();
        break;
      case event_kind::stalled:
        stalls_->inc();
        break;
      case event_kind::lost_claim:
        lost_claims_->inc();
        break;
      case event_kind::came_back:
      case event_kind::backing_off:
      case event_kind::degraded:
      case event_kind::recovered:
        break;
    }
  }

  void note_stop(const lifecycle_event& x) {
    // The end of one that stops may be among those that were missed.
    if (const auto missed = missed_so_far(); missed != stops_missed_) {
      stops_missed_ = missed;
      stops_.clear();
    }
    stops_.emplace(x.path, x.at);
  }

  void count_end(const lifecycle_event& x, outcome_kind kind) {
    ends_.of(kind).inc();
    if (auto i = stops_.find(x.path); i != stops_.end()) {
      stop_duration_->observe(seconds(x.at - i->second));
      stops_.erase(i);
    }
  }

  void count_failure(const caf::error& why) {
    auto is_ours = why.category() == caf::type_id_v<errc>;
    auto reason = is_ours ? to_string(static_cast<errc>(why.code())) : "other";
    registry_
      .counter_instance("troupe", "failures", {{"reason", reason}},
                        "Lives that have failed.", "1", true)
      ->inc();
  }

  telemetry::metric_registry& registry_;
  const std::weak_ptr<runtime> rt_;

  by_value<gauge, worker_phase> workers_;
  gauge* degraded_;
  gauge* queued_;
  gauge* timers_;
  counter* starts_;
  counter* restarts_;
  by_value<counter, outcome_kind> ends_;
  counter* give_ups_;
  counter* stalls_;
  counter* lost_claims_;
  by_value<counter, dead_letter_reason> dead_letters_;
  counter* missed_;
  histogram* start_duration_;
  histogram* stop_duration_;
  histogram* handle_duration_;

  observing::job_metrics jobs_;

  // When those that stop were told to; of the thread of the events.
  std::unordered_map<std::string, time_point> stops_;
  std::uint64_t stops_missed_ = 0;

  std::mutex sampling_;
  std::uint64_t noted_missed_ = 0;
  delayed_call next_;
  std::atomic<bool> subscribed_{false};
  subscription source_;
};

} // namespace

void export_metrics(caf::actor_system& sys, metrics_options options) {
  if (options.sampling_interval <= timespan::zero())
    throw std::invalid_argument("metrics_options.sampling_interval is not more "
                                "than zero; use infinite for never");
  auto rt = runtime::of(sys);
  if (rt->get_meter() != nullptr)
    return;
  auto mine = std::make_shared<registry_meter>(sys);
  if (rt->set_meter(mine))
    mine->begin(sys, options.sampling_interval);
}

std::string prometheus_text(caf::actor_system& sys) {
  if (auto* counting = runtime::of(sys)->get_meter())
    static_cast<registry_meter*>(counting)->sample();
  observing::exposition result;
  sys.metrics().collect(result);
  return result.text();
}

} // namespace troupe
