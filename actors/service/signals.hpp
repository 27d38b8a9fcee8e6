// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <csignal>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace troupe {

/// While it lives, some signals call a function instead of what they did
/// before: on a thread of its own, where everything is allowed that is not
/// inside a signal handler. The third one ends the process with 128 plus its
/// number, whatever that thread is doing.
///
/// The handler writes into a pipe, and the thread waits for that; so nothing
/// polls, and it does not matter which thread a signal hits.
class signal_watch {
public:
  /// @param which What to catch.
  /// @param on_signal Gets 1 for the first signal, 2 for the second.
  /// @throws std::logic_error if there is a watch already.
  /// @throws std::invalid_argument if one of them cannot be caught.
  signal_watch(const std::vector<int>& which,
               std::function<void(int nth)> on_signal);

  signal_watch(const signal_watch&) = delete;

  signal_watch& operator=(const signal_watch&) = delete;

  /// Gives the signals back to their former handlers, and joins the thread.
  ~signal_watch();

private:
  /// There is one in a process.
  class claim {
  public:
    claim();

    claim(const claim&) = delete;

    claim& operator=(const claim&) = delete;

    ~claim();
  };

  void listen();

  void release() noexcept;

  claim claim_;
  std::function<void(int)> on_signal_;
  std::vector<std::pair<int, struct sigaction>> previous_;
  std::thread thread_;
};

} // namespace troupe
