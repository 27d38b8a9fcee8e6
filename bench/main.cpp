// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probe.hpp"
#include "report.hpp"

#include "troupe/troupe.hpp"

#include <caf/init_global_meta_objects.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

void messages(report& out, const settings& how);

void timers(report& out, const settings& how);

namespace {

struct entry {
  std::string_view name;
  std::string_view about;
  void (*run)(report& out, const settings& how);
};

// A new case is declared above and has a line here.
constexpr std::array cases{
  entry{"messages", "messages into a queue, beside a raw actor", messages},
  entry{"timers", "arm and cancel with many pending, beside CAF's", timers},
};

constexpr std::string_view usage
  = R"(Measures troupe, and beside it what it is compared with.

  troupe_bench [OPTION...] [CASE...]

Without a case, runs all of them:
)";

constexpr std::string_view options = R"(
  --quick  small sizes, about a second for each case
  --json   one JSON object a line instead of a table
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
  auto form = report::format::table;
  auto check = false;
  std::vector<entry> chosen;
  for (const auto arg : args) {
    if (arg == "--help" || arg == "-h") {
      print_help(std::cout);
      return EXIT_SUCCESS;
    }
    if (arg == "--quick") {
      how.quick = true;
    } else if (arg == "--json") {
      form = report::format::json;
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
  if (chosen.empty())
    chosen.assign(cases.begin(), cases.end());
  report out{std::cout, form};
  for (const auto& x : chosen)
    x.run(out, how);
  return check && !out.all_met() ? EXIT_FAILURE : EXIT_SUCCESS;
}

} // namespace

} // namespace troupe::bench

int main(int argc, char** argv) {
  try {
    caf::init_global_meta_objects<caf::id_block::troupe>();
    caf::core::init_global_meta_objects();
    return troupe::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& x) {
    std::cerr << "The benchmark failed: " << x.what() << "\n";
    return EXIT_FAILURE;
  }
}
