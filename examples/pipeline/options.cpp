// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "options.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

namespace pipeline {

const char* const usage = R"(Usage: pipeline [options] [file | folder | -] ...

Counts files, lines and words of each kind of text file, and the lines marked
with TODO or FIXME: in files, in all files below folders, in standard input (-).
With --chaos it fails again and again, and is put right by its supervisors.

  pipeline --chaos 0.01 src     one line in a hundred makes its parser fail

Ctrl-C stops the reading, finishes what was read and prints the result; a second
one ends it at once. The exit code is 0 if all went well, 1 if something could
not be read or had to be ended by force, 2 if nothing could be done, and 3 if
the account of the lines does not add up, which would be a mistake of this
program.
)";

config::config() {
  opt_group{custom_options_, "global"}
    .add(parsers, "parsers", "how many parsers there are (4)")
    .add(faults.probability, "chaos",
         "how likely a line makes its parser fail, from 0 to 1 (0); the writer "
         "fails a tenth as often")
    .add(faults.seed, "seed", "which lines do (0)");
}

caf::error config::parse(int argc, char** argv) {
  auto options = std::vector<std::string>{argc > 0 ? argv[0] : "pipeline"};
  const auto rest = std::vector<std::string>{argv + std::min(argc, 1),
                                             argv + argc};
  for (auto i = rest.begin(); i != rest.end(); ++i) {
    if (*i == "--") {
      names.insert(names.end(), i + 1, rest.end());
      break;
    }
    if (!i->starts_with('-') || *i == "-") {
      names.push_back(*i);
      continue;
    }
    options.push_back(*i);
    if (*i == "--help" || *i == "-h" || *i == "-?" || *i == "--long-help")
      std::cout << usage << '\n' << std::flush;
    // CAF 0.18 wants "--name=value" in one piece.
    if (*i != "--parsers" && *i != "--chaos" && *i != "--seed")
      continue;
    if (i + 1 == rest.end())
      problem_ = *i + " needs a value";
    else
      options.back() += '=' + *++i;
  }
  auto pointers = std::vector<char*>{};
  for (auto& option : options)
    pointers.push_back(option.data());
  if (auto error = troupe::config::parse(static_cast<int>(pointers.size()),
                                         pointers.data()))
    problem_ = "an option is wrong: " + to_string(error);
  else if (parsers < 1 || parsers > 1000)
    problem_ = "--parsers must be from 1 to 1000";
  else if (!(faults.probability >= 0 && faults.probability <= 1))
    problem_ = "--chaos must be from 0 to 1";
  else if (std::count(names.begin(), names.end(), "-") > 1)
    problem_ = "standard input (-) can be read only once";
  if (names.empty() && ::isatty(STDIN_FILENO) == 0)
    names.emplace_back("-");
  return {};
}

} // namespace pipeline
