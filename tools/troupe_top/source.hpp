// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "arguments.hpp"
#include "status.hpp"

#include <memory>
#include <optional>
#include <string>

namespace troupe_top {

/// What came of one look.
struct answer {
  /// The document as it came.
  std::string text;
  /// What it says; none if something went wrong.
  std::optional<status> decoded;
  /// What went wrong, for people; empty if nothing did. Not printable as it is.
  std::string problem;
};

/// An observer, asked over HTTP.
class source {
public:
  explicit source(const address& where);

  source(const source&) = delete;

  source& operator=(const source&) = delete;

  ~source();

  /// Asks for the status, and waits for it: five seconds at most until there is
  /// a connection, and as much for each part of the answer.
  [[nodiscard]] answer look();

  /// Has a supervisor do something about a child, and waits until it is done:
  /// half a minute at most.
  /// @param verb `stop`, `start` or `restart`.
  /// @param path The path of the child.
  /// @param token As the observer's options have it.
  /// @returns why it was not done, for people; empty if it was. As for a
  ///          `problem`, not printable as it is.
  [[nodiscard]] std::string command(const std::string& verb,
                                    const std::string& path,
                                    const std::string& token);

  /// Makes a `look` that is under way on another thread return soon, and each
  /// one that begins later at once. Any thread.
  void stop() noexcept;

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

} // namespace troupe_top
