// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Has standard error be a pipe, as long as it lives.
class captured_stderr {
public:
  captured_stderr() : before_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends = {};
    if (before_ < 0 || ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::runtime_error{"no pipe for standard error"};
    out_ = ends[0];
    ::fcntl(ends[1], F_SETFL, 0); // one that blocks, as usual
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }

  captured_stderr(const captured_stderr&) = delete;

  captured_stderr& operator=(const captured_stderr&) = delete;

  ~captured_stderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    stop_reading();
  }

  /// The lines since the last call.
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> result;
    std::string line;
    std::array<char, 4096> part = {};
    for (auto n = ::read(out_, part.data(), part.size()); n > 0;
         n = ::read(out_, part.data(), part.size())) {
      for (auto i = 0; i < n; ++i) {
        const auto c = part.at(static_cast<std::size_t>(i));
        if (c == '\n')
          result.push_back(std::exchange(line, {}));
        else
          line += c;
      }
    }
    if (!line.empty())
      result.push_back(line);
    return result;
  }

  /// Fills the pipe to its last byte.
  void clog() const {
    ::fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    const std::array<char, 4096> part = {};
    while (::write(STDERR_FILENO, part.data(), part.size()) > 0)
      ; // again
    while (::write(STDERR_FILENO, part.data(), 1) > 0)
      ; // again
    ::fcntl(STDERR_FILENO, F_SETFL, 0);
  }

  /// From now on nobody reads the pipe.
  void stop_reading() {
    if (out_ >= 0)
      ::close(out_);
    out_ = -1;
  }

private:
  int before_;
  int out_ = -1;
};

} // namespace support
