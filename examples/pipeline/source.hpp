// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "messages.hpp"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace pipeline {

/// The lines of files, of all files below folders, and of standard input ("-"),
/// one after another. Hidden files in folders are left out, and so are those
/// that are no text. Blocks: use it on a thread of its own.
class source {
public:
  explicit source(const std::vector<std::string>& names);

  source(const source&) = delete;

  source& operator=(const source&) = delete;

  ~source();

  /// Waits for some lines, also on a pipe or a terminal to which nobody writes.
  /// @returns none at the end of it all, or when `stop` was asked for.
  std::vector<line> read(const std::stop_token& stop);

  /// What could not be read, and why, for people.
  [[nodiscard]] const std::vector<std::string>& problems() const {
    return problems_;
  }

private:
  struct entry {
    std::filesystem::path path;
    bool named = false; // by the user, and not found in a folder
  };

  /// Opens the next file. Folders become the files in them.
  /// @returns whether there is one.
  bool open_next(const std::stop_token& stop);

  void expand(const entry& folder, const std::stop_token& stop);

  /// Reads what is there.
  /// @returns whether there may be more in this file.
  bool read_some();

  /// Takes all lines that are complete.
  std::vector<line> take_lines();

  void close();

  void complain(const std::string& what);

  std::deque<entry> todo_;
  entry now_;
  int fd_ = -1;
  bool at_begin_ = true;
  std::string rest_; // of the file, not yet given out
  uint64_t number_ = 0;
  std::vector<std::string> problems_;
};

} // namespace pipeline
