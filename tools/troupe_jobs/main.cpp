// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "arguments.hpp"
#include "program.hpp"
#include "rules/printable.hpp"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <span>

int main(int argc, char** argv) {
  // A reader of less than all of the output is told by the exit code alone.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const std::span<const char* const> words{argv, static_cast<std::size_t>(
                                                     std::max(argc, 0))};
    return troupe_jobs::run(troupe_jobs::parse_arguments(
      words.subspan(std::min<std::size_t>(words.size(), 1))));
  } catch (const std::exception& problem) {
    std::cerr << "troupe-jobs: " << troupe::rules::printable(problem.what())
              << '\n';
    return troupe_jobs::store_failed;
  }
}
