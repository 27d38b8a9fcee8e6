// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Summarises texts, one sentence each, with the Messages API of Anthropic or,
// without a key for that, with a small server of its own. Shows a tree with a
// pool of workers whose queues are bounded and try again what can be tried
// again. In the end, and after Ctrl-C, it is told of each text what became of
// it; of some, that they are dead letters.

#include "article.hpp"
#include "feeder.hpp"
#include "inputs.hpp"
#include "ledger.hpp"
#include "local_server.hpp"
#include "options.hpp"
#include "screen.hpp"
#include "summariser.hpp"

#include <troupe/dead_letter.hpp>
#include <troupe/events.hpp>
#include <troupe/run.hpp>
#include <troupe/supervisor_spec.hpp>
#include <troupe/worker_pool.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace summarise;

namespace {

enum exit_code : int { all_done = 0, some_done = 1, nothing_done = 2 };

/// Without a key, a server of this program takes the place of the real one.
std::optional<local_server> serve_if_needed(const config& cfg,
                                            api_settings& api, screen& out) {
  if (!api.api_key.empty())
    return std::nullopt;
  auto server = std::make_optional<local_server>(
    local_server::options{.prompt = api.prompt,
                          .pace = 10ms,
                          .faults = cfg.faults,
                          .threads = std::max(cfg.workers, size_t{4})});
  api.base_url = server->url();
  api.api_key = server->api_key();
  api.http.use_proxy = false;
  out.remark("ANTHROPIC_API_KEY is not set, so a server inside this program "
             "answers, at "
             + api.base_url
             + ". It picks the most central sentence of each text.");
  return server;
}

/// What can be summarised. Of the rest it is told why it cannot.
std::vector<article> articles_of(std::vector<input>& inputs, screen& out) {
  auto result = std::vector<article>{};
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto& each = inputs[i];
    if (each.problem.empty())
      result.push_back({i + 1, each.title, std::move(each.text)});
    else
      out.remark(each.title + ' ' + each.problem);
  }
  return result;
}

// [snippet summarise-tree]
troupe::supervisor_spec tree_of(const config& cfg, const api_settings& api,
                                const std::vector<article>& articles,
                                ledger& results, screen& out) {
  const troupe::worker_options worker{
    // At Ctrl-C it is `run` that says how long it may take.
    .stopping_grace_period = troupe::infinite,
    // Whoever sends more waits.
    .queue = {.capacity = cfg.capacity,
              .on_error = troupe::on_error::retry(
                cfg.attempts - 1, {.initial = 500ms, .max = 8s})},
  };
  const troupe::pool_options options{
    .name = "summarisers",
    .size = cfg.workers,
    .routing = troupe::routing::least_busy,
    .each = {.worker = worker},
    // One fails when no other could do better: that is the end of all.
    .intensity = {.max_restarts = 0},
  };
  using summarisers = troupe::worker_pool<summariser>;
  summarisers pool{options, api, std::ref(results), std::ref(out)};

  troupe::supervisor_spec tree{
    .name = "summarise",
    .intensity = {.max_restarts = 0},
    // It is over when the feeder has nothing more to wait for.
    .auto_shutdown = troupe::auto_shutdown::any_significant,
  };
  // Receivers first: whoever sends is started after them, and stopped before.
  const auto workers = tree.add(pool);
  tree.add<feeder>("feeder",
                   {.restart = troupe::restart::transient, .significant = true},
                   workers, std::cref(articles), std::ref(results));
  return tree;
}
// [end]

} // namespace

int caf_main(caf::actor_system& sys, const config& cfg) {
  if (!cfg.problem().empty()) {
    std::cerr << "summarise: " << cfg.problem() << "; see --help\n";
    return nothing_done;
  }
  // A write fails when nobody reads any more what we print, or when a
  // connection breaks; that must not kill the process.
  std::signal(SIGPIPE, SIG_IGN);
  auto out = screen{std::cout};
  auto inputs = cfg.names.empty() ? built_in_articles()
                                  : read_inputs(cfg.names, std::cin);
  auto results = ledger{inputs};
  const auto articles = articles_of(inputs, out);
  auto api = cfg.api;
  const auto server = serve_if_needed(cfg, api, out);

  auto letters = troupe::on_dead_letter(
    sys, [&results](const troupe::dead_letter& x) { results.bury(x); },
    articles.size() + 1); // it must not miss one
  auto events = troupe::on_event(sys, [&out](const troupe::lifecycle_event& x) {
    // It stops by itself when all is done.
    if (x.kind == troupe::event_kind::stopping && x.path == "/summarise/feeder")
      out.remark("  stopping: what is in progress is finished; Ctrl-C "
                 "again ends it at once");
  });
  const auto how = troupe::run(sys, tree_of(cfg, api, articles, results, out),
                               {.stop_timeout = cfg.grace});
  events.cancel();
  letters.finish(); // now the ledger is complete

  out.table(results.rows());
  const auto done = results.done();
  out.remark(std::to_string(done) + " of " + std::to_string(results.size())
             + " done");
  if (done == results.size())
    return all_done;
  return how == 2 && done == 0 ? nothing_done : some_done;
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::summarise)
