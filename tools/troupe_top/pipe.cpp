// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace troupe_top {

wake_pipe::wake_pipe() {
  if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error{errno, std::generic_category(),
                            "cannot make a pipe"};
}

wake_pipe::~wake_pipe() {
  ::close(ends_[0]);
  ::close(ends_[1]);
}

void wake_pipe::put(char what) const noexcept {
  ssize_t done;
  do
    done = ::write(ends_[1], &what, 1);
  while (done < 0 && errno == EINTR);
}

std::string wake_pipe::take() const {
  std::string result;
  std::array<char, 64> buffer{};
  for (;;) {
    const auto got = ::read(ends_[0], buffer.data(), buffer.size());
    if (got > 0)
      result.append(buffer.data(), static_cast<std::size_t>(got));
    else if (got == 0 || errno != EINTR)
      return result;
  }
}

} // namespace troupe_top
