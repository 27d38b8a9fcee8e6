// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "workers.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <random>

namespace log_service {

using namespace std::chrono_literals;

troupe::task<> saboteur::run() {
  std::minstd_rand dice{std::random_device{}()};
  while (true) {
    const auto slept = co_await sleep_for(pause_);
    if (!slept)
      co_return;
    const auto all = whom_.which_children();
    if (all.empty())
      continue;
    caf::anon_send_exit(all[dice() % all.size()].child.actor(),
                        caf::exit_reason::kill);
  }
}

// [snippet log-service-tree]
troupe::supervisor_spec service(const settings& how,
                                const std::shared_ptr<tally>& count) {
  troupe::supervisor_spec tree{.name = "log"};
  // At a stop each finishes its queue, in the opposite order. A line that a
  // parser, or a batch that the writer had in hand when it failed comes again.
  const troupe::queue_options careful{.capacity = 5'000,
                                      .on_stop = troupe::on_stop::drain,
                                      .redeliver = 1'000};
  const auto out = tree.add<writer>("writer",
                                    {.backoff = {.initial = 100ms, .max = 10s},
                                     .worker = {.queue = careful}},
                                    how.database);
  auto each = careful;
  each.on_error = troupe::on_error::skip; // not a line: a dead letter
  troupe::worker_pool<parser> pool{{.name = "parsers",
                                    .size = how.parsers,
                                    .each
                                    = {.backoff = {.initial = 10ms, .max = 1s},
                                       .worker = {.queue = each}}},
                                   out};
  pool.key([](const line& x) { return source_of(x.text); });
  const auto parsers = tree.add(pool);
  tree.add<receiver>("receiver", {}, parsers, how.port, how.on_listening,
                     count);
  if (how.sabotage > 0)
    tree.add<saboteur>("saboteur", {}, parsers,
                       std::chrono::milliseconds{how.sabotage});
  return tree;
}
// [end]

} // namespace log_service
