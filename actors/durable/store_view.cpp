// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/store_view.hpp"

#include "durable/store_thread.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"

#include <chrono>
#include <future>
#include <utility>

namespace troupe::durable {

using detail::buried_job;
using detail::job_queue_figures;
using detail::job_store_figures;

namespace {

using namespace std::chrono_literals;

/// For so long those who look wait for a store whose disk does not answer.
constexpr auto patience = 2s;

timespan time_since(std::optional<wall_time> x, wall_time now) {
  return x && *x < now ? to_timespan(now - *x) : timespan::zero();
}

} // namespace

store_view::store_view(store_thread& where)
  : where_(where), place_(where.rt().jobs().enter(*this)) {
  // nop
}

store_view::~store_view() {
  where_.rt().jobs().leave(place_);
}

std::string store_view::name() const {
  return where_.name();
}

template <class T>
caf::expected<T> store_view::ask(std::function<T(engine&)> f) {
  struct call {
    std::function<T(engine&)> f;
    T result;
    std::promise<caf::error> over;
  };
  auto shared = std::make_shared<call>();
  shared->f = std::move(f);
  auto over = shared->over.get_future();
  where_.post([shared](engine& x) { shared->result = shared->f(x); },
              [shared](caf::error why) {
                shared->over.set_value(std::move(why));
              });
  if (over.wait_for(patience) != std::future_status::ready)
    return caf::make_error(errc::timed_out, "the store of jobs " + name()
                                              + " does not answer; its disk or "
                                                "database may be busy");
  if (auto why = over.get())
    return why;
  return std::move(shared->result);
}

caf::expected<job_store_figures> store_view::figures() {
  auto result = ask<job_store_figures>([](engine& x) {
    job_store_figures all;
    for (auto& queue : x.queues()) {
      const auto totals = x.count(queue);
      const auto oldest = time_since(x.next_run_at(queue), x.wall());
      all.queues.push_back({.queue = std::move(queue),
                            .put = totals.put,
                            .waiting = totals.waiting,
                            .running = totals.running,
                            .buried = totals.buried,
                            .done = totals.done,
                            .purged = totals.purged,
                            .oldest_wait = oldest});
    }
    return all;
  });
  if (!result)
    return result;
  const auto own = where_.own_counts();
  result->crashes = own.crashes;
  for (auto& x : result->queues)
    if (const auto found = own.failures.find(x.queue);
        found != own.failures.end())
      x.failures = found->second;
  return result;
}

caf::expected<std::vector<buried_job>> store_view::buried(std::int64_t after,
                                                          std::size_t at_most) {
  return ask<std::vector<buried_job>>([after, at_most](engine& x) {
    std::vector<buried_job> result;
    for (auto& job : x.list(
           {.place = job_place::buried, .after = after, .at_most = at_most}))
      result.push_back({.id = job.id,
                        .queue = std::move(job.queue),
                        .type = std::move(job.type),
                        .failures = job.failures,
                        .crashes = job.crashes,
                        .error = std::move(job.error)});
    return result;
  });
}

caf::error store_view::change(std::int64_t id, std::function<bool(engine&)> f,
                              const char* expected) {
  auto found = ask<bool>([f = std::move(f)](engine& x) {
    x.begin();
    const auto result = f(x);
    x.commit();
    return result;
  });
  if (!found)
    return found.error();
  if (*found)
    return {};
  return caf::make_error(errc::not_found,
                         "no job " + std::to_string(id) + " " + expected);
}

caf::error store_view::requeue(std::int64_t id) {
  return change(id, [id](engine& x) { return x.requeue(id); }, "is buried");
}

caf::error store_view::purge(std::int64_t id) {
  return change(
    id, [id](engine& x) { return x.purge(id); }, "waits or is buried");
}

} // namespace troupe::durable
