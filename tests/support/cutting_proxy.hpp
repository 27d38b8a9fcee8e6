// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace support {

/// Stands between a client and a server on this machine, and breaks the
/// connection when the client says a given word: before the server hears of it,
/// or after it has answered, so that the client does not.
class cutting_proxy {
public:
  enum class moment { before, after };

  explicit cutting_proxy(std::uint16_t server)
    : server_(server), end_(::eventfd(0, EFD_CLOEXEC)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t length = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (end_ < 0 || listener_ < 0 || ::bind(listener_, name, length) != 0
        || ::listen(listener_, 16) != 0
        || ::getsockname(listener_, name, &length) != 0)
      throw std::runtime_error{"the proxy of the test has no port"};
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }

  cutting_proxy(const cutting_proxy&) = delete;

  cutting_proxy& operator=(const cutting_proxy&) = delete;

  ~cutting_proxy() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(end_, &one, sizeof(one)) == sizeof(one));
    thread_.join();
    ::close(listener_);
    ::close(end_);
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  /// Breaks the connection once, when the client says so.
  void cut_at(std::string word, moment when) {
    std::unique_lock guard{mtx_};
    word_ = std::move(word);
    when_ = when;
  }

  /// How often it has broken a connection.
  [[nodiscard]] int cuts() const {
    std::unique_lock guard{mtx_};
    return cuts_;
  }

private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result.sin_port = htons(port);
    return result;
  }

  /// One client after another.
  void run() {
    while (can_read(listener_)) {
      const auto client = ::accept(listener_, nullptr, nullptr);
      const auto server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      auto address = loopback(server_);
      if (::connect(server, reinterpret_cast<sockaddr*>(&address),
                    sizeof(address))
          == 0)
        pass_on(client, server);
      ::close(client);
      ::close(server);
    }
  }

  /// Waits.
  /// @returns `false` if it is time to end.
  [[nodiscard]] bool can_read(int file) const {
    std::array<pollfd, 2> files{{{file, POLLIN, 0}, {end_, POLLIN, 0}}};
    ::poll(files.data(), files.size(), -1);
    return files[1].revents == 0;
  }

  void pass_on(int client, int server) {
    std::array<char, 65536> buffer{};
    while (true) {
      std::array<pollfd, 3> files{
        {{client, POLLIN, 0}, {server, POLLIN, 0}, {end_, POLLIN, 0}}};
      ::poll(files.data(), files.size(), -1);
      if (files[2].revents != 0)
        return;
      const auto from_client = files[0].revents != 0;
      const auto n = ::recv(from_client ? client : server, buffer.data(),
                            buffer.size(), 0);
      if (n <= 0)
        return;
      const std::string_view data{buffer.data(), static_cast<std::size_t>(n)};
      const auto cut = from_client ? is_time(data) : std::nullopt;
      if (cut == moment::before)
        return;
      if (::send(from_client ? server : client, data.data(), data.size(),
                 MSG_NOSIGNAL)
          != n)
        return;
      if (cut == moment::after) {
        // Until it has answered, it may not have done it.
        static_cast<void>(can_read(server));
        return;
      }
    }
  }

  std::optional<moment> is_time(std::string_view data) {
    std::unique_lock guard{mtx_};
    if (word_.empty() || data.find(word_) == data.npos)
      return std::nullopt;
    word_.clear();
    ++cuts_;
    return when_;
  }

  std::uint16_t server_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int end_ = -1;
  mutable std::mutex mtx_;
  std::string word_;
  moment when_ = moment::before;
  int cuts_ = 0;
  std::thread thread_;
};

} // namespace support
