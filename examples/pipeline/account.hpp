// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <troupe/worker_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pipeline {

/// What is in the files of one kind.
struct row {
  std::set<std::string> files;
  uint64_t lines = 0;
  uint64_t blank = 0;
  uint64_t words = 0;
  uint64_t to_do = 0;
};

/// The result, by kind of file. The writers write into it one after another: it
/// is not a part of the writer, so that it survives when one fails.
struct result {
  std::map<std::string, row> rows;
  uint64_t lines = 0;
  uint64_t ends = 0; // of input, one for each parser
};

/// What the reader did.
struct intake {
  uint64_t lines = 0; // that were read
  uint64_t ends = 0;  // of input that were sent, one to each parser
  std::vector<std::string> problems;

  /// Handles are good for all lives of a worker and after its end, and so are
  /// the counts of its queue.
  std::vector<troupe::worker_handle> parsers;
  troupe::worker_handle writer;
};

/// Where the lines are: each in exactly one place.
struct account {
  uint64_t read = 0;
  uint64_t counted = 0;
  uint64_t lost_by_parsers = 0;
  uint64_t lost_by_writer = 0;
  uint64_t left = 0;
  uint64_t restarts = 0;

  [[nodiscard]] bool adds_up() const {
    return read == counted + lost_by_parsers + lost_by_writer + left;
  }
};

/// Takes the account when all have ended.
account settle(const intake& in, const result& out);

/// Renders the result.
void print(std::ostream& to, const result& what);

/// Renders the account.
void print(std::ostream& to, const account& what);

} // namespace pipeline
