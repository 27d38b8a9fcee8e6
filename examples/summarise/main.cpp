// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Summarises texts, one sentence each, with the Messages API of Anthropic or,
// without a key for that, with a small server of its own. Shows a worker with a
// queue that owns its HTTP connection, streams what comes, tries again what can
// be tried again, stops on Ctrl-C and hands its results out in the end.

#include "article.hpp"
#include "inputs.hpp"
#include "interrupts.hpp"
#include "local_server.hpp"
#include "options.hpp"
#include "screen.hpp"
#include "summariser.hpp"

#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <stop_token>
#include <string>
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
  auto server = std::make_optional<local_server>(local_server::options{
    .prompt = api.prompt, .pace = 10ms, .faults = cfg.faults});
  api.base_url = server->url();
  api.api_key = server->api_key();
  api.http.use_proxy = false;
  out.remark("ANTHROPIC_API_KEY is not set, so a server inside this program "
             "answers, at "
             + api.base_url
             + ". It picks the most central sentence of each text.");
  return server;
}

bool is_done(const summary& from) {
  return !from.problem;
}

row make_row(const input& from) {
  if (!from.problem.empty())
    return {from.title, {}, "failed: " + from.problem};
  return {from.title, {}, "not begun"};
}

std::string status_of(const summary& from) {
  if (!from.problem)
    return from.is_cut ? "done, but cut at --max-tokens" : "done";
  if (from.problem->why == failure::cause::stopped)
    return "stopped";
  return "failed: " + from.problem->text;
}

/// Prints what became of each input.
/// @returns the exit code.
exit_code conclude(const std::vector<input>& inputs,
                   const std::vector<summary>& results, screen& out) {
  auto rows = std::vector<row>{};
  std::transform(inputs.begin(), inputs.end(), std::back_inserter(rows),
                 make_row);
  for (const auto& each : results) {
    rows[each.number - 1].time = each.time;
    rows[each.number - 1].status = status_of(each);
  }
  const auto done = std::ranges::count_if(results, is_done);
  out.table(rows);
  out.remark(std::to_string(done) + " of " + std::to_string(inputs.size())
             + " done");
  return static_cast<size_t>(done) == inputs.size() ? all_done : some_done;
}

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
  const auto inputs = cfg.names.empty() ? built_in_articles()
                                        : read_inputs(cfg.names, std::cin);
  auto how = summariser::settings{.api = cfg.api,
                                  .retry = cfg.retry,
                                  .grace = cfg.grace,
                                  .total = inputs.size()};
  const auto server = serve_if_needed(cfg, how.api, out);
  auto now = std::stop_source{};
  how.now = now.get_token();

  // An answer in progress ends by itself when its grace is over; the worker is
  // forced only if that does not work.
  auto worker = troupe::scoped_worker<summariser>{
    sys,
    {.name = "summariser", .stopping_grace_period = cfg.grace + 2s},
    how,
    out};
  const auto on_interrupt = interrupts{[&out, &now, ref = worker.ref()](int n) {
    if (n == 1) {
      out.remark("  stopping after this one; Ctrl-C again ends it at once");
      ref.gracefully_stop();
    } else {
      out.remark("  ending it at once");
      now.request_stop();
    }
  }};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& each = inputs[i];
    if (each.problem.empty())
      worker.send(article{i + 1, each.title, each.text});
    else
      out.remark(each.title + ' ' + each.problem);
  }
  worker.send(end_of_input);
  worker->wait_for_shutdown();

  const auto done = worker.shutdown(); // it is over: this gives what it left
  const auto& results = done.worker().results;
  const auto code = conclude(inputs, results, out);
  try {
    done.rethrow();
    return code;
  } catch (const cannot_go_on& error) {
    out.remark("gave up: " + std::string{error.what()});
    return std::ranges::any_of(results, is_done) ? some_done : nothing_done;
  } catch (const std::exception& error) {
    out.remark("failed: " + std::string{error.what()});
    return some_done;
  }
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::summarise)
