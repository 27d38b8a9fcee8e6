// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "pipe.hpp"
#include "screen.hpp"

#include <termios.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace troupe_top {

/// The terminal that this process has on its standard input and output, as a
/// screen: keys come one by one, without an echo. What it was like before comes
/// back at the end. There is one at a time.
class terminal {
public:
  /// Why a screen cannot be had; empty if it can.
  [[nodiscard]] static std::string problem();

  /// @throws std::system_error
  terminal();

  terminal(const terminal&) = delete;

  terminal& operator=(const terminal&) = delete;

  ~terminal();

  [[nodiscard]] screen_size size() const noexcept;

  /// @returns `false` if the terminal is gone.
  bool show(const std::vector<line>& what);

  /// Gives the terminal back as it was.
  void leave() noexcept;

  /// Takes it again.
  void enter() noexcept;

private:
  termios before_{};
  bool inside_ = false;
};

/// The signals that end a program, stop it, or tell of a new size, as bytes in
/// a pipe, as long as this lives. There is one at a time.
class signals {
public:
  signals();

  signals(const signals&) = delete;

  signals& operator=(const signals&) = delete;

  ~signals();

  /// What to poll for reading; each byte is the number of a signal.
  [[nodiscard]] const wake_pipe& pipe() const noexcept {
    return pipe_;
  }

private:
  wake_pipe pipe_;
  std::vector<std::pair<int, struct sigaction>> before_;
};

} // namespace troupe_top
