// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "service/signals.hpp"

#include "base/make_thread.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

namespace troupe {

using namespace detail;

namespace {

/// The report of the handler. Goes through the pipe in one piece.
struct note {
  std::uint32_t generation;
  std::uint32_t nth; // zero: listen no more
};

constexpr std::uint32_t count_bits = 8;
constexpr std::uint32_t count_mask = (1u << count_bits) - 1;

// A signal handler can reach nothing but globals, and may use only atomics that
// never lock.

/// Which watch it is, counted, and in the last bits how many signals it has
/// seen: in one word, so that a handler that comes late belongs wholly to this
/// watch or to the next one.
std::atomic<std::uint32_t> present = 0;

std::atomic<int> write_end = -1;
std::atomic<pid_t> owner = 0;

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<pid_t>::is_always_lock_free);

std::atomic<bool> is_claimed = false;

bool post(const note& what) noexcept {
  ssize_t written;
  do
    written = write(write_end.load(), &what, sizeof(what));
  while (written < 0 && errno == EINTR);
  return written == sizeof(what);
}

extern "C" void handle_signal(int number) {
  const auto saved = errno;
  if (getpid() != owner.load()) {
    // A forked child: the pipe is its parent's, and so is the tree.
    static_cast<void>(signal(number, SIG_DFL));
    static_cast<void>(raise(number));
    errno = saved;
    return;
  }
  const auto now = present.fetch_add(1) + 1;
  if ((now & count_mask) > 2)
    _exit(128 + number);
  // The pipe holds two of them at most, and so takes this one.
  static_cast<void>(post({now >> count_bits, now & count_mask}));
  errno = saved;
}

/// One pipe for the whole life of the process: on another thread, a handler may
/// still be about to write when nobody listens any more.
std::array<int, 2> make_pipe() {
  std::array<int, 2> ends = {};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(),
                            "cannot make the pipe for signals"};
  return ends;
}

const std::array<int, 2>& the_pipe() {
  static const auto ends = make_pipe();
  return ends;
}

} // namespace

signal_watch::claim::claim() {
  if (is_claimed.exchange(true))
    throw std::logic_error("troupe::run is under way in this process already, "
                           "and signals belong to the whole of it; put both "
                           "trees under one root, or run one after the other");
}

signal_watch::claim::~claim() {
  is_claimed = false;
}

signal_watch::signal_watch(const std::vector<int>& which,
                           std::function<void(int)> on_signal)
  : on_signal_(std::move(on_signal)) {
  write_end = the_pipe()[1];
  owner = getpid();
  present = ((present.load() >> count_bits) + 1) << count_bits;
  previous_.reserve(which.size());
  sigset_t all;
  sigemptyset(&all);
  for (auto number : which)
    sigaddset(&all, number);
  thread_ = make_thread("the signals of troupe::run", [this, all] {
    // One thread at least is to get them, also if all others block them.
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
    listen();
  });
  struct sigaction action = {};
  action.sa_handler = &handle_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (auto number : which) {
    struct sigaction before = {};
    if (sigaction(number, &action, &before) != 0) {
      release();
      throw std::invalid_argument("run_options.signals: signal "
                                  + std::to_string(number)
                                  + " does not exist or cannot be caught");
    }
    previous_.emplace_back(number, before);
  }
}

signal_watch::~signal_watch() {
  release();
}

void signal_watch::release() noexcept {
  // The other way round: the same signal may be there twice.
  for (auto i = previous_.rbegin(); i != previous_.rend(); ++i)
    sigaction(i->first, &i->second, nullptr);
  post({present.load() >> count_bits, 0});
  thread_.join();
}

void signal_watch::listen() {
  const auto generation = present.load() >> count_bits;
  for (;;) {
    note what = {};
    const auto got = read(the_pipe()[0], &what, sizeof(what));
    if (got < 0 && errno == EINTR)
      continue;
    if (got != sizeof(what))
      return; // somebody has closed the pipe
    if (what.generation != generation)
      continue; // of a signal that came when a watch before this one had ended
    if (what.nth == 0)
      return;
    on_signal_(static_cast<int>(what.nth));
  }
}

} // namespace troupe
