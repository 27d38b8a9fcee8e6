// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "keys.hpp"
#include "lookout.hpp"
#include "program.hpp"
#include "rates.hpp"
#include "screen.hpp"
#include "terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace troupe_top {

namespace {

/// What is on the screen, and what changes it.
class display {
public:
  explicit display(std::string url) {
    scene_.url = std::move(url);
  }

  void update(answer news) {
    scene_.problem = std::move(news.problem);
    if (!news.decoded)
      return;
    auto before = std::exchange(last_, std::move(*news.decoded));
    scene_.rates = rates_between(before, last_);
    scene_.last = &last_;
  }

  void press(const key& what, screen_size size) {
    troupe_top::press(view_, what, last_, page_of(scene_, size));
  }

  [[nodiscard]] std::vector<line> draw(screen_size size) {
    settle(view_, last_, page_of(scene_, size));
    return troupe_top::draw(scene_, view_, size);
  }

  [[nodiscard]] bool over() const {
    return view_.quit;
  }

private:
  status last_;
  scene scene_;
  view view_;
};

/// The loop: it waits for keys, signals and news, and draws after each.
class session {
public:
  explicit session(const arguments& asked)
    : display_(asked.where.shown), lookout_(asked.where, asked.interval) {
    // nop
  }

  /// @returns the signal that has ended it, or zero.
  int run() {
    while (!display_.over() && ending_ == 0) {
      if (!screen_.show(display_.draw(screen_.size())))
        return SIGHUP;
      await();
    }
    return ending_;
  }

private:
  void await() {
    std::array<pollfd, 3> sources{{
      {STDIN_FILENO, POLLIN, 0},
      {signals_.pipe().reader(), POLLIN, 0},
      {lookout_.news(), POLLIN, 0},
    }};
    if (::poll(sources.data(), sources.size(), -1) < 0)
      return; // a signal: its handler has put it into the pipe
    for (const auto number : signals_.pipe().take())
      heed(number);
    if (sources[0].revents != 0)
      read_keys();
    if (auto news = lookout_.take())
      display_.update(std::move(*news));
  }

  void heed(int number) {
    switch (number) {
      case SIGWINCH:
        return; // it is drawn anew anyway
      case SIGTSTP:
        screen_.leave();
        static_cast<void>(::raise(SIGSTOP));
        screen_.enter();
        return;
      default:
        ending_ = number;
    }
  }

  void read_keys() {
    std::array<char, 256> buffer{};
    const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
      ending_ = SIGHUP; // the terminal is gone
    if (got <= 0)
      return;
    const auto size = screen_.size();
    for (const auto& x :
         decoder_.feed({buffer.data(), static_cast<std::size_t>(got)}))
      if (!display_.over())
        display_.press(x, size);
  }

  int ending_ = 0;
  key_decoder decoder_;
  display display_;
  signals signals_;
  lookout lookout_;
  terminal screen_;
};

} // namespace

int watch(const arguments& asked) {
  // Its parts, the terminal among them, are as they were when it has gone.
  const auto number = [&asked] { return session{asked}.run(); }();
  // Ctrl-C is just another way to say that one has seen enough.
  if (number == 0 || number == SIGINT)
    return fine;
  static_cast<void>(::raise(number));
  return no_status;
}

} // namespace troupe_top
