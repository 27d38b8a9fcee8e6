// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "base/standard_error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>

namespace troupe::detail {

namespace {

/// A pipe that nobody reads any more is no reason to die of SIGPIPE.
class no_sigpipe {
public:
  no_sigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }

  no_sigpipe(const no_sigpipe&) = delete;

  no_sigpipe& operator=(const no_sigpipe&) = delete;

  ~no_sigpipe() {
    if (raised_) {
      const timespec at_once{0, 0};
      sigtimedwait(&pipe_, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  void write(int fd, std::string_view what) noexcept {
    raised_ = ::write(fd, what.data(), what.size()) < 0 && errno == EPIPE;
  }

private:
  sigset_t pipe_ = {};
  sigset_t before_ = {};
  bool raised_ = false;
};

void say(std::string_view what) noexcept {
  struct stat kind = {};
  if (::fstat(STDERR_FILENO, &kind) != 0)
    return;
  if (S_ISSOCK(kind.st_mode)) {
    ::send(STDERR_FILENO, what.data(), what.size(),
           MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  no_sigpipe safe;
  // Other writers of a file go on behind this.
  if (S_ISREG(kind.st_mode)) {
    safe.write(STDERR_FILENO, what);
    return;
  }
  // One that is opened anew does not share its flags with other writers.
  const auto fd = ::open("/proc/self/fd/2",
                         O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) {
    safe.write(fd, what);
    ::close(fd);
    return;
  }
  // It may be that of another user.
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 0) == 1 && room.revents == POLLOUT)
    safe.write(STDERR_FILENO, what.substr(0, PIPE_BUF));
}

} // namespace

void say_if_there_is_room(std::string_view what) noexcept {
  const auto before = errno;
  say(what);
  errno = before;
}

} // namespace troupe::detail
