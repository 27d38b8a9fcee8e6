// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace support {

/// A port of this machine that connections come in at, and nobody answers.
class deaf_listener {
public:
  deaf_listener() : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (file_ < 0 || ::bind(file_, name, length) != 0
        || ::listen(file_, 16) != 0 || ::getsockname(file_, name, &length) != 0)
      throw std::runtime_error{"the listener of the test has no port"};
    port_ = ntohs(address.sin_port);
  }

  deaf_listener(const deaf_listener&) = delete;

  deaf_listener& operator=(const deaf_listener&) = delete;

  ~deaf_listener() {
    ::close(file_);
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

private:
  int file_;
  std::uint16_t port_ = 0;
};

} // namespace support
