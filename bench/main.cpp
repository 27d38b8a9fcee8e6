// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"
#include "probe.hpp"
#include "report.hpp"
#include "series.hpp"

#include "troupe/troupe.hpp"

#ifdef TROUPE_BENCH_LINES
#  include "../examples/log_service/messages.hpp"
#endif

#include <caf/init_global_meta_objects.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

namespace {

struct entry {
  std::string_view name;
  std::string_view about;
  void (*run)(report& out, const settings& how);
  /// Whether it takes minutes, and is run if it is asked for only.
  bool at_scale = false;
};

constexpr std::array cases{
  entry{"messages", "messages into a queue, beside a raw actor", messages},
  entry{"fairness", "what others wait for beside busy workers", fairness},
  entry{"ask", "co_await ask, beside request().then()", ask},
  entry{"workers", "start, memory and stop of many, beside four peers",
        workers},
  entry{"restarts", "from a crash to the next life, beside OTP", restarts},
  entry{"stops", "stop of one that sleeps, beside a message", stops},
  entry{"timers", "arm and cancel with many pending, beside CAF's", timers},
#ifdef TROUPE_BENCH_OBSERVER
  entry{"looks", "what it takes to look at many workers", looks},
#endif
#ifdef TROUPE_BENCH_LINES
  entry{"lines", "a log service, beside the same by hand", lines},
#endif
#ifdef TROUPE_BENCH_DURABLE
  entry{"durable", "jobs in SQLite and PostgreSQL, beside npm's", durable_jobs},
#endif
  entry{"scale", "a million workers, long bursts; minutes: see --scale", scale,
        true},
};

constexpr std::string_view usage
  = R"(Measures troupe, and beside it what it is compared with.

  troupe_bench [OPTION...] [CASE...]

Without a case, runs all of them but "scale":
)";

constexpr std::string_view options = R"(
  --quick  small sizes, about a second for each case, "scale" included
  --scale  "scale" as well
  --json FILE
           writes the rows to a file as well, a JSON object a line: "row",
           "unit", "troupe", "peer", "peer_name", "ratio", "target" and "met",
           null where there is none; where a peer is missing, its name says why
  --series FOLDER
           measures no case, but what the plots show: writes workers.json and
           timers.json to a folder
  --check  exit with 1 if a target is missed
  --help   this text

The ratio is troupe's value divided by its peer's. The targets are meant for an
optimised build on a quiet machine.
)";

void print_help(std::ostream& out) {
  out << usage;
  for (const auto& x : cases)
    out << "  " << x.name << "\n      " << x.about << "\n";
  out << options;
}

/// Runs one probe, as `run_probe` of another process asks for.
int run_own_probe(std::string_view name, const std::string& size) {
  for (const auto& x : probes()) {
    if (x.name != name)
      continue;
    for (const auto& [what, value] : x.run(std::stoul(size)))
      std::printf("%s %.9g\n", what.c_str(), value);
    return EXIT_SUCCESS;
  }
  std::cerr << "There is no probe \"" << name << "\".\n";
  return 2;
}

int run(const std::vector<std::string_view>& args) {
  if (args.size() == 3 && args[0] == "--probe")
    return run_own_probe(args[1], std::string{args[2]});
  settings how;
  auto check = false;
  auto at_scale = false;
  std::string series_folder;
  std::ofstream json;
  std::vector<entry> chosen;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto arg = args[i];
    if (arg == "--help" || arg == "-h") {
      print_help(std::cout);
      return EXIT_SUCCESS;
    }
    if (arg == "--quick") {
      how.quick = true;
    } else if (arg == "--json") {
      if (++i == args.size()) {
        std::cerr << "--json takes the name of a file.\n";
        return 2;
      }
      json.open(std::string{args[i]});
      if (!json) {
        std::cerr << "The file \"" << args[i] << "\" cannot be written.\n";
        return 2;
      }
    } else if (arg == "--series") {
      if (++i == args.size()) {
        std::cerr << "--series takes the name of a folder.\n";
        return 2;
      }
      series_folder = args[i];
    } else if (arg == "--scale") {
      at_scale = true;
    } else if (arg == "--check") {
      check = true;
    } else {
      const auto pos
        = std::find_if(cases.begin(), cases.end(),
                       [&](const entry& x) { return x.name == arg; });
      if (pos == cases.end()) {
        std::cerr << "There is no case or option \"" << arg
                  << "\"; --help lists them.\n";
        return 2;
      }
      chosen.push_back(*pos);
    }
  }
  if (!series_folder.empty()) {
    measure_series(series_folder, how);
    return EXIT_SUCCESS;
  }
  if (chosen.empty())
    std::ranges::copy_if(cases, std::back_inserter(chosen),
                         [&](const entry& x) {
                           return !x.at_scale || at_scale || how.quick;
                         });
  report out{std::cout, json.is_open() ? &json : nullptr};
  for (const auto& x : chosen)
    x.run(out, how);
  return check && !out.all_met() ? EXIT_FAILURE : EXIT_SUCCESS;
}

} // namespace

} // namespace troupe::bench

int main(int argc, char** argv) {
  try {
    caf::init_global_meta_objects<caf::id_block::troupe>();
#ifdef TROUPE_BENCH_LINES
    caf::init_global_meta_objects<caf::id_block::log_service>();
#endif
    caf::core::init_global_meta_objects();
    return troupe::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& x) {
    std::cerr << "The benchmark failed: " << x.what() << "\n";
    return EXIT_FAILURE;
  }
}
