// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/wake_up.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe::durable {

wake_up::wake_up() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0)
    throw std::system_error{errno, std::generic_category(),
                            "cannot make an eventfd"};
}

wake_up::~wake_up() {
  ::close(event_);
}

void wake_up::notify() noexcept {
  if (!asleep_)
    return;
  asleep_ = false;
  const std::uint64_t one = 1;
  // It can only fail if it is readable as it is.
  static_cast<void>(::write(event_, &one, sizeof(one)) == sizeof(one));
}

bool wake_up::wait_until(std::unique_lock<std::mutex>& guard, time_point until,
                         int file) {
  std::array<pollfd, 2> files{{{event_, POLLIN, 0}, {file, POLLIN, 0}}};
  timespec rest{};
  if (until != never) {
    const auto now = time_point{std::chrono::steady_clock::now()};
    const auto length = std::max(until - now, timespan::zero());
    const auto whole = std::chrono::floor<std::chrono::seconds>(length);
    rest.tv_sec = static_cast<std::time_t>(whole.count());
    rest.tv_nsec
      = static_cast<long>(std::chrono::nanoseconds{length - whole}.count());
  }
  asleep_ = true;
  guard.unlock();
  // One that a signal ends early is as one that was told.
  const auto n = ::ppoll(files.data(), files.size(),
                         until == never ? nullptr : &rest, nullptr);
  if (n > 0 && files[0].revents != 0) {
    std::uint64_t count = 0;
    static_cast<void>(::read(event_, &count, sizeof(count)) == sizeof(count));
  }
  guard.lock();
  asleep_ = false;
  return n > 0 && files[1].revents != 0;
}

} // namespace troupe::durable
