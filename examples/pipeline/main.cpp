// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A pipeline over files: a reader gives lines to parsers, and they give what
// they find to a writer. Each of them may fail, and with --chaos they do; their
// supervisors start them again. In the end, and after Ctrl-C, each line that
// was read is accounted for.

#include "account.hpp"
#include "options.hpp"
#include "workers.hpp"

#include <troupe/error.hpp>
#include <troupe/events.hpp>
#include <troupe/run.hpp>
#include <troupe/supervisor_spec.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using namespace pipeline;

namespace {

enum exit_code : int { not_all_read = 1, nothing_done = 2, wrong_account = 3 };

// [snippet pipeline-tree]
troupe::supervisor_spec tree_of(const config& cfg,
                                const std::shared_ptr<intake>& in,
                                const std::shared_ptr<result>& out) {
  // Whoever fails is back soon, and later if it fails again and again. A child
  // with a backoff may fail for ever.
  const troupe::restart_backoff backoff{.initial = 10ms, .max = 500ms};
  // Whoever sends waits when there are so many; a stop finishes them.
  const troupe::worker_options drained{
    .queue = {.capacity = 100, .on_stop = troupe::on_stop::drain}};

  troupe::supervisor_spec tree{
    .name = "pipeline",
    // Handles and queues outlive a restart, so nobody else need be restarted.
    .strategy = troupe::strategy::one_for_one,
    // The reader has no backoff: a second one would read all of it again.
    .intensity = {.max_restarts = 0},
    // It is over when the writer has nothing more to write.
    .auto_shutdown = troupe::auto_shutdown::any_significant,
  };
  // Receivers first: whoever sends is started after them, and stopped before.
  const auto lines = tree.add<writer>("writer",
                                      {.restart = troupe::restart::transient,
                                       .backoff = backoff,
                                       .significant = true,
                                       .worker = drained},
                                      out, cfg.parsers, cfg.faults);
  troupe::supervisor_spec parsers{
    .name = "parsers",
    .strategy = troupe::strategy::dynamic, // no order among them
  };
  for (size_t i = 1; i <= cfg.parsers; ++i)
    parsers.add<parser>(std::to_string(i),
                        {.backoff = backoff, .worker = drained}, lines,
                        cfg.faults);

  tree.add(std::move(parsers));
  tree.add<reader>("reader", {.restart = troupe::restart::transient}, cfg.names,
                   cfg.parsers, in);
  return tree;
}
// [end]

/// Shows what goes wrong, as it happens; of restarts, the first few.
class witness {
public:
  void operator()(const troupe::lifecycle_event& x) {
    using troupe::event_kind;
    switch (x.kind) {
      case event_kind::backing_off:
        show_some(troupe::text_of(x.reason) + "; again in "
                  + std::to_string(x.span / 1ms) + " ms");
        break;
      case event_kind::restarted:
        show_some(x.path + " begins life no. " + std::to_string(x.incarnation));
        break;
      case event_kind::stopping:
        if (x.path == "/pipeline/reader") // it had not come to its end
          show(
            "stopping: what is in the queues is finished; Ctrl-C again forces");
        break;
      case event_kind::forced:
      case event_kind::abandoned:
        show(to_string(x));
        break;
      default:
        break;
    }
  }

private:
  static void show(const std::string& text) {
    std::cerr << text + '\n';
  }

  void show_some(const std::string& text) {
    if (++shown_ <= most_)
      show(text);
    else if (shown_ == most_ + 1)
      show("... and so on");
  }

  static constexpr int most_ = 20;
  int shown_ = 0;
};

} // namespace

int caf_main(caf::actor_system& sys, const config& cfg) {
  if (!cfg.problem().empty()) {
    std::cerr << "pipeline: " << cfg.problem() << "; see --help\n";
    return nothing_done;
  }
  if (cfg.names.empty()) {
    std::cerr << usage;
    return nothing_done;
  }
  auto in = std::make_shared<intake>();
  auto out = std::make_shared<result>();
  auto events = troupe::on_event(sys, witness{});
  const auto code = troupe::run(sys, tree_of(cfg, in, out));
  events.cancel(); // from here on the screen is ours
  // Handles keep the tree in memory, and the tree keeps the arguments of its
  // children, of which `in` is one: so they have to come out of it.
  const auto done = std::exchange(*in, {});
  for (const auto& problem : done.problems)
    std::cerr << "pipeline: " << problem << '\n';
  if (!done.writer)
    return code; // it ended before there was a reader
  const auto lines = settle(done, *out);
  print(std::cout, *out);
  print(std::cout, lines);
  if (!lines.adds_up())
    return wrong_account;
  return code == 0 && !done.problems.empty() ? not_all_read : code;
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::pipeline)
