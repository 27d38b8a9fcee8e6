// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Plain escape sequences and termios, not ncurses: a screen is drawn whole once
// a second, so there is nothing for curses to save; its lines are a value that
// a test compares; and a program that only reads needs no other package. The
// sequences are those that every terminal has had since the VT220.

#include "terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace troupe_top {

namespace {

/// The other screen, without a cursor and without the wrapping of long lines.
constexpr std::string_view begin_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view end_screen = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// @returns `false` if the terminal is gone.
bool write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto done = ::write(STDOUT_FILENO, text.data(), text.size());
    if (done >= 0) {
      text.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno == EAGAIN) {
      // Somebody who shares the terminal has made it non-blocking.
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

/// Where a signal handler puts what it gets: it can reach globals only.
std::atomic<const wake_pipe*> signal_pipe = nullptr;

extern "C" void note_signal(int number) {
  const auto saved = errno;
  if (const auto* to = signal_pipe.load())
    to->put(static_cast<char>(number));
  errno = saved;
}

} // namespace

// -- terminal --------------------------------------------------------------------

std::string terminal::problem() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return "standard input and output are no terminal; use --once";
  const auto* kind = std::getenv("TERM");
  if (kind != nullptr && std::string_view{kind} == "dumb")
    return "this terminal has no screen to draw on; use --once";
  return {};
}

terminal::terminal() {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0)
    throw std::system_error{errno, std::generic_category(),
                            "cannot read the settings of the terminal"};
  enter();
}

terminal::~terminal() {
  leave();
}

screen_size terminal::size() const noexcept {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0
      || found.ws_row == 0)
    return {};
  return {found.ws_col, found.ws_row};
}

bool terminal::show(const std::vector<line>& what) {
  std::string text{"\x1b[H"};
  for (std::size_t i = 0; i < what.size(); ++i)
    text += (i == 0 ? "" : "\r\n") + to_ansi(what[i]) + "\x1b[K";
  return write_all(text);
}

void terminal::enter() noexcept {
  if (std::exchange(inside_, true))
    return;
  auto mine = before_;
  mine.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
  mine.c_iflag &= ~static_cast<tcflag_t>(IXON);
  mine.c_cc[VMIN] = 1;
  mine.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mine);
  write_all(begin_screen);
}

void terminal::leave() noexcept {
  if (!std::exchange(inside_, false))
    return;
  write_all(end_screen);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

// -- signals ---------------------------------------------------------------------

signals::signals() {
  signal_pipe = &pipe_;
  struct sigaction action = {};
  action.sa_handler = &note_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const auto number :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) {
    struct sigaction before = {};
    ::sigaction(number, nullptr, &before);
    // Whoever had it ignored, nohup for example, knows why.
    if (before.sa_handler == SIG_IGN)
      continue;
    ::sigaction(number, &action, nullptr);
    before_.emplace_back(number, before);
  }
}

signals::~signals() {
  for (const auto& [number, before] : before_)
    ::sigaction(number, &before, nullptr);
  signal_pipe = nullptr;
}

} // namespace troupe_top
