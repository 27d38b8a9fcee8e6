// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "arguments.hpp"
#include "program.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>

int main(int argc, char** argv) {
  // Whoever reads less than all of the output is told by the exit code alone.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const std::span<const char* const> words{argv, static_cast<std::size_t>(
                                                     std::max(argc, 0))};
    const auto* place = std::getenv("TROUPE_OBSERVER");
    return troupe_top::run(troupe_top::parse_arguments(
      words.subspan(std::min<std::size_t>(words.size(), 1)),
      place != nullptr ? place : ""));
  } catch (const std::exception& problem) {
    std::cerr << "troupe-top: " << problem.what() << '\n';
    return troupe_top::no_status;
  }
}
