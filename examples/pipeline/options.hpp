// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "chaos.hpp"

#include <troupe/config.hpp>

#include <caf/error.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace pipeline {

extern const char* const usage;

/// The command line. The options of CAF and of troupe work too.
class config : public troupe::config {
public:
  config();

  /// `CAF_MAIN` calls this. Other than the function that it hides, it takes
  /// options after names, "--name value" and "-" for standard input, and leaves
  /// it to the program to complain, see `problem`.
  caf::error parse(int argc, char** argv);

  /// What is wrong with the options, for people; empty if nothing is.
  [[nodiscard]] const std::string& problem() const {
    return problem_;
  }

  // -- what was asked for -----------------------------------------------------

  size_t parsers = 4;

  chaos faults;

  /// Files, folders and "-".
  std::vector<std::string> names;

private:
  std::string problem_;
};

} // namespace pipeline
