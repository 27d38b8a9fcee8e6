// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/jobs.hpp"

#include "observer/json_text.hpp"
#include "rules/printable.hpp"
#include "troupe/error.hpp"

#include <chrono>
#include <cstddef>
#include <limits>
#include <set>

namespace troupe::observing {

using detail::buried_job;
using detail::job_board;
using detail::job_keeper;
using detail::job_queue_figures;

namespace {

/// How many of the buried jobs of a store a document has.
constexpr std::size_t most_buried = 100;

void add_queue(json_text& to, const job_queue_figures& x) {
  to.open('{')
    .add("queue", x.queue)
    .add("waiting", x.waiting)
    .add("running", x.running)
    .add("buried", x.buried)
    .add("done", x.done)
    .add("purged", x.purged)
    .add("put", x.put)
    .add("failures", x.failures)
    .add("oldest", std::chrono::duration<double>(x.oldest_wait).count())
    .close('}');
}

void add_buried(json_text& to, const buried_job& x) {
  to.open('{')
    .add("id", x.id)
    .add("queue", x.queue)
    .add("type", x.type)
    .add("failures", x.failures)
    .add("crashes", x.crashes)
    .add("error", x.error)
    .close('}');
}

void add_store(json_text& to, job_keeper& x) {
  to.open('{').add("store", x.name());
  const auto figures = x.figures();
  const auto buried
    = figures ? x.buried(0, most_buried)
              : caf::expected<std::vector<buried_job>>{figures.error()};
  if (!buried) {
    to.add("error", text_of(buried.error())).close('}');
    return;
  }
  to.add("crashes", figures->crashes).open("queues", '[');
  for (const auto& queue : figures->queues)
    add_queue(to, queue);
  to.close(']').open("buried", '[');
  for (const auto& job : *buried)
    add_buried(to, job);
  to.close(']').close('}');
}

} // namespace

std::string jobs_document(const job_board& stores, bool controls) {
  json_text result;
  result.open('{')
    .add("schema", 1)
    .add("controls", controls)
    .open("stores", '[');
  std::set<std::string> seen; // another handle to one has the same jobs
  for (const auto& place : stores.places())
    place->look([&](job_keeper& x) {
      if (seen.insert(x.name()).second)
        add_store(result, x);
    });
  result.close(']').close('}');
  return result.take() + '\n';
}

std::optional<job_command> parse_job_command(const http_request& what) {
  job_command result;
  if (what.path == "/jobs/requeue")
    result.verb = "requeue";
  else if (what.path == "/jobs/purge")
    result.verb = "purge";
  else
    return std::nullopt;
  const auto* store = what.find("store");
  const auto* id = what.find("id");
  const auto number = id != nullptr ? parse_number(*id) : std::nullopt;
  if (store == nullptr)
    result.problem = "store is missing: the name of a store as /jobs.json has "
                     "it";
  else if (!number || *number == 0
           || *number > std::numeric_limits<std::int64_t>::max())
    result.problem = "id is not the number of a job";
  else
    result.id = static_cast<std::int64_t>(*number);
  if (store != nullptr)
    result.store = *store;
  return result;
}

caf::error control(const job_board& stores, const job_command& what) {
  std::optional<caf::error> result;
  for (const auto& place : stores.places()) {
    place->look([&](job_keeper& x) {
      if (rules::as_utf8(x.name()) == what.store)
        result = what.verb == "requeue" ? x.requeue(what.id) : x.purge(what.id);
    });
    if (result)
      return *result;
  }
  return caf::make_error(errc::not_found,
                         "there is no store " + what.store
                           + "; /jobs.json has the names of those that are "
                             "open");
}

} // namespace troupe::observing
