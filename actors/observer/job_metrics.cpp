// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/job_metrics.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace troupe::observing {

using detail::job_board;
using detail::job_keeper;
using detail::job_queue_figures;
using detail::job_store_figures;

namespace {

/// By the names of the stores; none of one that does not answer.
using all_figures = std::map<std::string, std::optional<job_store_figures>>;

/// Adds to the figures of a store those that another handle to it has.
void add(job_store_figures& to, const job_store_figures& more) {
  to.crashes += more.crashes;
  for (const auto& x : more.queues) {
    const auto same = std::find_if(to.queues.begin(), to.queues.end(),
                                   [&x](const job_queue_figures& y) {
                                     return y.queue == x.queue;
                                   });
    if (same != to.queues.end())
      same->failures += x.failures;
    else
      to.queues.push_back(x);
  }
}

all_figures figures_of(const job_board& stores) {
  all_figures result;
  for (const auto& place : stores.places())
    place->look([&result](job_keeper& x) {
      auto& all = result[x.name()];
      auto found = x.figures();
      if (found && all)
        add(*all, *found);
      else if (found)
        all = std::move(*found);
    });
  return result;
}

} // namespace

job_metrics::job_metrics(caf::telemetry::metric_registry& where)
  : registry_(where) {
  // nop
}

void job_metrics::follower::follow(std::uint64_t x) {
  // It begins again when a store is opened anew.
  if (x > noted)
    what->inc(static_cast<std::int64_t>(x - noted));
  noted = x;
}

void job_metrics::queue_metrics::show(const job_queue_figures& x) {
  waiting->value(static_cast<std::int64_t>(x.waiting));
  running->value(static_cast<std::int64_t>(x.running));
  buried->value(static_cast<std::int64_t>(x.buried));
  oldest->value(std::chrono::duration<double>(x.oldest_wait).count());
  put.follow(x.put);
  done.follow(x.done);
  purged.follow(x.purged);
  failures.follow(x.failures);
}

job_metrics::store_metrics& job_metrics::of(const std::string& store) {
  const auto found = stores_.find(store);
  if (found != stores_.end())
    return found->second;
  store_metrics result{
    registry_.gauge_instance("troupe", "job-store-up", {{"store", store}},
                             "Whether a store of jobs answers."),
    {registry_.counter_instance("troupe", "job-crashes", {{"store", store}},
                                "Claims of jobs whose owner was gone.", "1",
                                true)}};
  return stores_.emplace(store, result).first->second;
}

job_metrics::queue_metrics& job_metrics::of(const std::string& store,
                                            const std::string& queue) {
  const std::pair key{store, queue};
  const auto found = queues_.find(key);
  if (found != queues_.end())
    return found->second;
  auto jobs = [&](const std::string& place) {
    return registry_.gauge_instance(
      "troupe", "jobs", {{"store", store}, {"queue", queue}, {"place", place}},
      "Jobs in a store.");
  };
  auto count = [&](const std::string& name, const std::string& help) {
    return follower{registry_.counter_instance(
      "troupe", name, {{"store", store}, {"queue", queue}}, help, "1", true)};
  };
  queue_metrics result{
    .waiting = jobs("waiting"),
    .running = jobs("running"),
    .buried = jobs("buried"),
    .oldest = registry_.gauge_instance<double>(
      "troupe", "oldest-job", {{"store", store}, {"queue", queue}},
      "How long ago the first of the waiting jobs had its time.", "seconds"),
    .put = count("jobs-put", "Jobs that were put into a store."),
    .done = count("jobs-done", "Jobs that are done."),
    .purged = count("jobs-purged", "Jobs that a person has deleted."),
    .failures = count("job-failures", "Handlers of jobs that have failed."),
  };
  return queues_.emplace(key, result).first->second;
}

void job_metrics::show(const std::string& store, const job_store_figures& x) {
  auto& metrics = of(store);
  metrics.up->value(1);
  metrics.crashes.follow(x.crashes);
  for (const auto& queue : x.queues) {
    auto& y = of(store, queue.queue);
    y.show(queue);
    y.seen = true;
  }
}

void job_metrics::sample(const job_board& stores) {
  const auto found = figures_of(stores);
  std::unique_lock guard{mtx_};
  for (auto& [key, x] : queues_)
    x.seen = false;
  for (auto& [name, x] : stores_)
    x.up->value(0);
  for (const auto& [name, x] : found) {
    if (x)
      show(name, *x);
    else
      of(name).up->value(0);
  }
  // Of a store that is closed, or does not answer, nothing is known.
  for (auto& [key, x] : queues_) {
    if (x.seen)
      continue;
    for (auto* y : {x.waiting, x.running, x.buried})
      y->value(0);
    x.oldest->value(0);
  }
}

} // namespace troupe::observing
