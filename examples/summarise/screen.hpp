// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <deque>
#include <iosfwd>
#include <memory>
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

/// What the user sees. Any thread may write, and lines stay whole. Where
/// several have something to say at once, one is heard after another: what the
/// first one writes is seen as it comes, and what the others have written
/// meanwhile comes when those before them have ended.
class screen {
  struct speech;

public:
  /// What is shown of one try of one item, in one piece; ends when it is
  /// destroyed.
  class passage {
  public:
    passage(screen& screen, std::string_view heading);

    passage(const passage&) = delete;

    passage& operator=(const passage&) = delete;

    ~passage();

    /// Prints the next piece of a summary.
    void stream(std::string_view text);

    /// Prints a line that is not part of a summary.
    void remark(std::string_view text);

  private:
    screen& screen_;
    std::shared_ptr<speech> mine_;
  };

  explicit screen(std::ostream& out) : out_(out) {
    // nop
  }

  /// Begins with an item: "[2/3] title".
  /// @param attempt Counted from 1; told if it is not the first one.
  passage begin(const std::string& title, int attempt);

  /// Prints a line when it has its turn.
  void note(std::string_view text);

  /// Prints a line at once, if need be in the middle of a summary.
  void remark(std::string_view text);

  /// Prints all items and what became of them.
  void table(const std::vector<row>& rows);

  /// Says whether everything could be written so far; if not (a closed pipe, a
  /// full disk), there is nobody to work for.
  [[nodiscard]] bool good();

private:
  /// A passage, and what of it nobody has seen yet.
  struct speech {
    std::string unseen;
    bool inside_line = false;
    bool over = false;

    void end_line();
  };

  /// Shows what can be shown.
  void advance();

  std::mutex mutex_;
  std::ostream& out_;
  std::deque<std::shared_ptr<speech>> speeches_; // the first one is seen
};

/// "0.31 s".
std::string to_text(std::chrono::milliseconds time);

} // namespace summarise
