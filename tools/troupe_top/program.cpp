// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "program.hpp"

#include "screen.hpp"
#include "source.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

namespace troupe_top {

namespace {

int refuse(const std::string& problem) {
  std::cerr << "troupe-top: " << printable(problem) << "; see --help\n";
  return wrong_usage;
}

/// Whether all that was printed has got out.
exit_code flushed() {
  return std::cout.flush() ? fine : no_status;
}

int print_once(const arguments& asked) {
  source from{asked.where};
  const auto found = from.look();
  if (!found.decoded) {
    std::cerr << "troupe-top: " << printable(asked.where.shown) << ": "
              << printable(found.problem) << '\n';
    return no_status;
  }
  if (asked.what == arguments::task::print_json) {
    std::cout << found.text;
    if (!found.text.ends_with('\n'))
      std::cout << '\n';
    return flushed();
  }
  for (const auto& x :
       draw_all({.url = asked.where.shown, .last = &*found.decoded}))
    std::cout << to_text(x) << '\n';
  return flushed();
}

int command(const arguments& asked) {
  const auto* token = std::getenv("TROUPE_OBSERVER_TOKEN");
  if (token == nullptr || *token == '\0') {
    std::cerr << "troupe-top: --" << asked.verb
              << " needs the token of the observer in the environment variable "
                 "TROUPE_OBSERVER_TOKEN\n";
    return wrong_usage;
  }
  source from{asked.where};
  const auto problem = from.command(asked.verb, asked.child, token);
  if (problem.empty())
    return fine;
  std::cerr << "troupe-top: " << printable(asked.where.shown) << ": "
            << printable(problem) << '\n';
  return no_status;
}

} // namespace

int run(const arguments& asked) {
  switch (asked.what) {
    case arguments::task::help:
      std::cout << usage;
      return flushed();
    case arguments::task::version:
      std::cout << "troupe-top " << TROUPE_VERSION << '\n';
      return flushed();
    default:
      break;
  }
  if (!asked.problem.empty())
    return refuse(asked.problem);
  if (asked.what == arguments::task::command)
    return command(asked);
  if (asked.what != arguments::task::watch)
    return print_once(asked);
  if (const auto problem = terminal::problem(); !problem.empty())
    return refuse(problem);
  return watch(asked);
}

} // namespace troupe_top
