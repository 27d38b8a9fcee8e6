// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "anthropic.hpp"
#include "local_server.hpp"

#include <troupe/config.hpp>

#include <caf/error.hpp>
#include <caf/timespan.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace summarise {

/// The command line and the environment. The options of CAF and of troupe work
/// too, and all of them can stand in `caf-application.conf`.
class config : public troupe::config {
public:
  config();

  /// `CAF_MAIN` calls this. Other than the function that it hides, it takes
  /// options after names, "--name value" and "-" for standard input, and leaves
  /// it to the program to complain (see `problem`), which has an exit code for
  /// that.
  caf::error parse(int argc, char** argv);

  /// What is wrong with the options, for people; empty if nothing is.
  [[nodiscard]] const std::string& problem() const {
    return problem_;
  }

  // -- what was asked for -----------------------------------------------------

  api_settings api;

  /// How many texts are summarised at once.
  size_t workers = 2;

  /// How many more may wait for each worker.
  size_t capacity = 2;

  /// How often a text is tried at most, the first time included.
  int attempts = 5;

  /// How long a stop may take that was asked for.
  std::chrono::milliseconds grace{5'000};

  /// What the local server does wrong.
  std::vector<fault> faults;

  /// Files, folders and "-".
  std::vector<std::string> names;

private:
  void check();

  std::string problem_;
  caf::timespan grace_;
  caf::timespan timeout_;
};

} // namespace summarise
