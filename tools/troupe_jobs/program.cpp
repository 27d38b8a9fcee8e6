// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "program.hpp"

#include "durable/engine.hpp"
#include "durable/open_engine.hpp"
#include "durable/rules.hpp"
#include "print.hpp"
#include "rules/printable.hpp"
#include "troupe/time.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <memory>
#include <utility>

namespace troupe_jobs {

namespace {

using nlohmann::json;
using troupe::durable::engine;
namespace rules = troupe::durable::rules;

int complain(const std::string& problem, exit_code result) {
  std::cerr << "troupe-jobs: " << troupe::rules::printable(problem)
            << (result == wrong_usage ? "; see --help\n" : "\n");
  return result;
}

/// Whether all that was printed has got out.
int flushed(int result = fine) {
  if (std::cout.flush())
    return result;
  return complain("the output cannot be written", store_failed);
}

void print(const json& x) {
  std::cout << x.dump(2) << '\n';
}

/// Calls `f` as a batch of its own.
template <class F>
auto change(engine& store, F f) {
  store.begin();
  try {
    auto result = f();
    store.commit();
    return result;
  } catch (...) {
    store.rollback();
    throw;
  }
}

/// Tells apart an empty queue and one whose name has a typing error. No error:
/// a queue is there before its first job. Scripts read the numbers alone.
void note_if_unknown(engine& store, const arguments& asked) {
  const auto& queue = asked.which.queue;
  if (queue.empty() || asked.json)
    return;
  const auto names = store.queues();
  if (std::find(names.begin(), names.end(), queue) == names.end())
    complain("no job was ever put into a queue \"" + queue + "\" of "
               + store.name(),
             fine);
}

int count(engine& store, const arguments& asked) {
  note_if_unknown(store, asked);
  auto names = store.queues();
  if (!asked.which.queue.empty())
    names = {asked.which.queue};
  std::vector<queue_row> rows;
  for (auto& name : names) {
    const auto next = store.next_run_at(name);
    const auto now = store.wall();
    const auto oldest = next && *next < now ? troupe::to_timespan(now - *next)
                                            : timespan::zero();
    const auto totals = store.count(name);
    rows.push_back({std::move(name), totals, oldest});
  }
  if (asked.json) {
    auto result = json::array();
    for (const auto& x : rows)
      result.push_back(to_json(x));
    print(result);
  } else {
    std::cout << to_text(rows);
  }
  return flushed();
}

int list(engine& store, const arguments& asked) {
  note_if_unknown(store, asked);
  const auto found = store.list(asked.which);
  if (asked.json) {
    auto result = json::array();
    for (const auto& x : found)
      result.push_back(to_json(x));
    print(result);
  } else {
    std::cout << to_text(found);
  }
  return flushed();
}

int show(engine& store, const arguments& asked) {
  auto result = int{fine};
  auto all = json::array();
  auto first = true;
  for (const auto id : asked.ids) {
    const auto found = store.list({.after = id - 1, .at_most = 1});
    if (found.empty() || found[0].id != id) {
      result = complain(
        "no job " + std::to_string(id) + " is in " + store.name(), no_such_job);
      continue;
    }
    if (asked.json)
      all.push_back(to_json(found[0]));
    else
      std::cout << (std::exchange(first, false) ? "" : "\n")
                << details(found[0]);
  }
  if (asked.json)
    print(all);
  return flushed(result);
}

/// Changes some jobs, each by itself.
template <class F>
int change_each(engine& store, const arguments& asked, const char* verb,
                const char* expected, F f) {
  auto result = int{fine};
  auto changed = json::array();
  for (const auto id : asked.ids) {
    if (!change(store, [&] { return f(id); })) {
      result = complain("no job " + std::to_string(id) + " " + expected + " in "
                          + store.name(),
                        no_such_job);
      continue;
    }
    if (asked.json)
      changed.push_back(id);
    else
      std::cout << verb << ' ' << id << '\n';
  }
  if (asked.json)
    print({{verb, changed}});
  return flushed(result);
}

int put(engine& store, const arguments& asked) {
  auto payload = asked.payload;
  if (payload == "-")
    payload.assign(std::istreambuf_iterator<char>{std::cin}, {});
  for (const auto& wrong :
       {rules::check_queue_name(asked.which.queue),
        rules::check(troupe::durable::put_options{.unique = asked.unique,
                                                  .priority = asked.priority})})
    if (!wrong.empty())
      return complain(wrong, wrong_usage);
  if (asked.type.empty())
    return complain("the type of the payload is empty", wrong_usage);
  try {
    const auto checked = json::parse(payload);
    static_cast<void>(checked);
  } catch (const json::parse_error& e) {
    return complain(std::string{"the payload is no JSON: "} + e.what(),
                    wrong_usage);
  }
  const troupe::durable::store_options limits;
  if (payload.size() > limits.max_payload)
    return complain("the payload has " + std::to_string(payload.size())
                      + " bytes; it may have "
                      + std::to_string(limits.max_payload),
                    wrong_usage);
  const std::chrono::duration<double> delay{asked.delay};
  const auto written = change(store, [&] {
    return store.put(
      {.queue = asked.which.queue,
       .type = asked.type,
       .payload = payload,
       .run_at = store.wall()
                 + std::chrono::ceil<std::chrono::microseconds>(delay),
       .priority = asked.priority,
       .unique = asked.unique});
  });
  if (asked.json)
    print({{"id", written.id}, {"existed", written.existed}});
  else
    std::cout << "job " << written.id
              << (written.existed ? " was there already\n" : "\n");
  return flushed();
}

} // namespace

int run(const arguments& asked) {
  using task = arguments::task;
  if (!asked.problem.empty())
    return complain(asked.problem, wrong_usage);
  if (asked.what == task::help) {
    std::cout << usage;
    return flushed();
  }
  if (asked.what == task::version) {
    std::cout << "troupe-jobs " << TROUPE_VERSION << '\n';
    return flushed();
  }
  const auto store
    = troupe::durable::open_engine(asked.store,
                                   troupe::durable::durability::power_loss,
                                   troupe::durable::if_missing::refuse);
  switch (asked.what) {
    case task::count:
      return count(*store, asked);
    case task::list:
      return list(*store, asked);
    case task::show:
      return show(*store, asked);
    case task::requeue:
      return change_each(*store, asked, "requeued", "is buried",
                         [&](job_id id) { return store->requeue(id); });
    case task::purge:
      return change_each(*store, asked, "purged", "waits or is buried",
                         [&](job_id id) { return store->purge(id); });
    default:
      return put(*store, asked);
  }
}

} // namespace troupe_jobs
