// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <iosfwd>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace summarise {

/// A line of the final table.
struct row {
  std::string title;

  /// How long it took; nothing if it was not begun.
  std::optional<std::chrono::milliseconds> time;

  std::string status;
};

/// What the user sees. Any thread may write; lines stay whole, also when a
/// remark comes in the middle of a summary.
class screen {
public:
  explicit screen(std::ostream& out) : out_(out) {
    // nop
  }

  /// Announces an item: "[2/3] title".
  void begin(size_t number, size_t total, std::string_view title);

  /// Prints the next piece of a summary.
  void stream(std::string_view text);

  /// Prints a line that is not part of a summary.
  void remark(std::string_view text);

  /// Prints all items and what became of them.
  void table(const std::vector<row>& rows);

  /// Says whether everything could be written so far; if not (a closed pipe, a
  /// full disk), there is nobody to work for.
  [[nodiscard]] bool good();

private:
  void end_line();

  std::mutex mutex_;
  std::ostream& out_;
  bool inside_line_ = false;
};

/// "0.31 s".
std::string to_text(std::chrono::milliseconds time);

} // namespace summarise
