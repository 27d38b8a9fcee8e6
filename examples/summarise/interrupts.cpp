// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "interrupts.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace summarise {

namespace {

constexpr auto signals = std::array{SIGINT, SIGTERM};
constexpr char interrupted = 'i';
constexpr char finished = 'f';

// A signal handler can reach nothing but globals, and may use only atomics that
// never lock.
std::atomic<int> write_end = -1;
std::atomic<int> count = 0;
static_assert(std::atomic<int>::is_always_lock_free);

std::atomic<bool> is_owned = false;

std::array<struct sigaction, signals.size()> previous;

extern "C" void handle_signal(int number) {
  const auto saved = errno;
  if (count.fetch_add(1) >= 2)
    _exit(128 + number);
  if (write(write_end.load(), &interrupted, 1) < 0) {
    // Only if the pipe were full, and it never holds more than two bytes.
  }
  errno = saved;
}

/// One pipe for the whole life of the process: on another thread, a handler may
/// still be about to write when nobody listens any more.
std::array<int, 2> make_pipe() {
  auto ends = std::array<int, 2>{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(), "pipe2"};
  return ends;
}

} // namespace

interrupts::interrupts(std::function<void(int)> on_interrupt)
  : on_interrupt_(std::move(on_interrupt)) {
  static const auto ends = make_pipe();
  if (is_owned.exchange(true))
    throw std::logic_error{"there is an object of class interrupts already"};
  write_end = ends[1];
  count = 0;
  thread_ = std::thread{[this] {
    for (int n = 1;;) {
      auto byte = finished;
      if (read(ends[0], &byte, 1) < 0 && errno == EINTR)
        continue;
      if (byte == finished)
        return;
      on_interrupt_(n++);
    }
  }};
  struct sigaction action = {};
  action.sa_handler = &handle_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < signals.size(); ++i)
    sigaction(signals[i], &action, &previous[i]);
}

interrupts::~interrupts() {
  for (size_t i = 0; i < signals.size(); ++i)
    sigaction(signals[i], &previous[i], nullptr);
  while (write(write_end, &finished, 1) < 0 && errno == EINTR)
    ; // again
  thread_.join();
  is_owned = false;
}

} // namespace summarise
