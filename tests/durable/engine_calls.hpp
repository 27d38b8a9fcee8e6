// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// Calls of engines, in the short form that their tests need.
namespace engine_calls {

using namespace troupe::durable;
using namespace std::chrono_literals;

/// Calls `f` as a batch of its own.
template <class F>
auto change(engine& x, F f) {
  x.begin();
  auto result = f();
  x.commit();
  return result;
}

inline receipt put(engine& x, new_job what = {}) {
  what.queue = what.queue.empty() ? "q" : what.queue;
  what.type = "t";
  what.payload = what.payload.empty() ? "1" : what.payload;
  return change(x, [&] { return x.put(what); });
}

inline std::vector<claimed_job> claim(engine& x, std::size_t room = 1,
                                      claim_order what = {}) {
  what.queue = "q";
  what.room = room;
  if (what.lease == 0s)
    what.lease = 30s;
  what.max_crashes = 3;
  return change(x, [&] { return x.claim(what); }).jobs;
}

inline bool finish(engine& x, const claimed_job& what,
                   rules::ending how = rules::ending::returned,
                   troupe::timespan keep = 0s) {
  const rules::limits limit{.backoff = {.initial = 10s, .jitter = 0}};
  return change(x, [&] {
    return x.end(
      {.queue = "q",
       .claim = what.claim,
       .what = rules::after(how, what.before, limit, 5s, 0.0),
       .error = how == rules::ending::returned ? "" : "it has ended otherwise",
       .keep_done = keep});
  });
}

inline std::size_t recover(engine& x) {
  return change(x, [&] { return x.recover(); });
}

inline std::vector<job_id> ids(const std::vector<claimed_job>& xs) {
  std::vector<job_id> result;
  for (const auto& x : xs)
    result.push_back(x.claim.id);
  return result;
}

inline bool balanced(const queue_totals& x) {
  return x.waiting + x.running + x.buried + x.done + x.purged == x.put;
}

} // namespace engine_calls
