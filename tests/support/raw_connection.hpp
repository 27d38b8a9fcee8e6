// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace support {

/// A connection on which one says what one wants.
class raw_connection {
public:
  explicit raw_connection(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(to);
  }

  /// @param path That of a socket among the files.
  explicit raw_connection(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof(to.sun_path) - 1);
    connect(to);
  }

  raw_connection(const raw_connection&) = delete;

  raw_connection& operator=(const raw_connection&) = delete;

  ~raw_connection() {
    ::close(socket_);
  }

  /// To be polled.
  [[nodiscard]] int socket() const noexcept {
    return socket_;
  }

  void say(const std::string& what) {
    check(try_to_say(what), "cannot say anything");
  }

  /// @returns `false` if the other side has closed it.
  bool try_to_say(const std::string& what) {
    return ::send(socket_, what.data(), what.size(), MSG_NOSIGNAL)
           == static_cast<ssize_t>(what.size());
  }

  /// What comes next; nothing if the other side has closed it.
  std::string some() {
    std::string result(4096, '\0');
    auto n = ::recv(socket_, result.data(), result.size(), 0);
    result.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return result;
  }

  /// What comes until the other side closes it.
  std::string all() {
    std::string result;
    for (auto more = some(); !more.empty(); more = some())
      result += more;
    return result;
  }

  /// Says nothing more, and hears what comes.
  void say_no_more() {
    ::shutdown(socket_, SHUT_WR);
  }

  /// Nothing comes any more.
  void hang_up() {
    ::shutdown(socket_, SHUT_RDWR);
  }

private:
  static void check(bool good, const char* what) {
    if (!good)
      throw std::system_error{errno, std::generic_category(), what};
  }

  template <class Address>
  void connect(const Address& to) {
    check(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to))
            == 0,
          "cannot connect");
  }

  int socket_;
};

/// How many answers of a server there are in a text.
inline int count_answers(const std::string& text) {
  int result = 0;
  for (auto at = text.find("HTTP/1.1 "); at != std::string::npos;
       at = text.find("HTTP/1.1 ", at + 1))
    ++result;
  return result;
}

} // namespace support
