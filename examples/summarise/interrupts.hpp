// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <functional>
#include <thread>

namespace summarise {

/// While it lives, Ctrl-C (SIGINT) and SIGTERM call a function instead of
/// ending the process: on a thread of its own, where everything is allowed that
/// is not inside a signal handler. The third one ends the process all the same.
///
/// The handler writes a byte into a pipe, and the thread waits for it there; so
/// nothing polls, and it does not matter which thread the signal hits.
class interrupts {
public:
  /// @param on_interrupt Gets 1 for the first signal, 2 for the second.
  /// @throws std::logic_error if there is one already: signals belong to the
  ///         whole process.
  explicit interrupts(std::function<void(int)> on_interrupt);

  interrupts(const interrupts&) = delete;

  interrupts& operator=(const interrupts&) = delete;

  /// Gives the signals back to whoever had them, and joins the thread.
  ~interrupts();

private:
  std::function<void(int)> on_interrupt_;
  std::thread thread_;
};

} // namespace summarise
