// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/notify_socket.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <system_error>

namespace troupe {

namespace {

/// @returns the length of the address.
socklen_t fill(sockaddr_un& to, const std::string& address) {
  if (address.size() < 2 || (address[0] != '/' && address[0] != '@'))
    throw std::invalid_argument("NOTIFY_SOCKET is \"" + address
                                + "\"; it must be an absolute path, or @ and a "
                                  "name");
  const auto is_path = address[0] == '/';
  // A path ends with a zero; a name does not.
  const auto most = sizeof(to.sun_path) - (is_path ? 1 : 0);
  if (address.size() > most)
    throw std::invalid_argument(
      "NOTIFY_SOCKET has " + std::to_string(address.size())
      + " bytes, and the address of a socket has " + std::to_string(most)
      + " at most: \"" + address + '"');
  to.sun_family = AF_UNIX;
  std::copy(address.begin(), address.end(), to.sun_path);
  if (!is_path)
    to.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size()
                                + (is_path ? 1 : 0));
}

} // namespace

notify_socket::notify_socket(const std::string& address)
  : length_(fill(to_, address)),
    socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (socket_ < 0)
    throw std::system_error{errno, std::generic_category(),
                            "cannot make a socket to tell systemd anything"};
}

notify_socket::~notify_socket() {
  ::close(socket_);
}

notify_socket::result notify_socket::send(std::string_view message) noexcept {
  ssize_t done;
  do
    done = ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&to_), length_);
  while (done < 0 && errno == EINTR);
  if (done >= 0)
    return result::sent;
  error_ = errno;
  return error_ == EAGAIN || error_ == ENOBUFS ? result::full : result::failed;
}

} // namespace troupe
