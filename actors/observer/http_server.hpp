// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>

namespace troupe::observing {

/// A server whose clients cannot keep it busy: a request has to come within a
/// time and a size, however it is cut into pieces, and who takes nothing of
/// what it is sent is left. cpp-httplib itself limits each call alone, so that
/// a byte now and then is enough to hold a thread for ever.
class http_server final : public httplib::Server {
public:
  /// How long a client may take for a request, and may take nothing of what it
  /// is sent.
  static constexpr std::chrono::seconds client_limit{5};

  /// How long a connection is kept for the next request.
  static constexpr std::chrono::seconds keep_alive{2};

  /// How long a request may be, in bytes, with its body.
  static constexpr std::size_t longest_request = 16 * 1024;

  /// No request begins any more, and nobody is waited for who is slow.
  void close_connections();

  /// Lets go of the port, before anybody has begun to listen on it.
  void unbind() noexcept;

private:
  class connection;

  bool process_and_close_socket(socket_t socket) override;

  bool add(socket_t socket);

  void remove(socket_t socket);

  std::atomic<bool> closing_{false};

  std::mutex mtx_;
  std::set<socket_t> open_;
};

/// One connection, as cpp-httplib wants to have it.
class http_server::connection final : public httplib::Stream {
public:
  connection(socket_t socket, const std::atomic<bool>& closing)
    : socket_(socket), closing_(closing) {
    // nop
  }

  /// Waits for the first byte of a request, which has its time and size from
  /// then on.
  [[nodiscard]] bool await_request();

  [[nodiscard]] bool is_readable() const override;

  [[nodiscard]] bool is_writable() const override;

  ssize_t read(char* to, std::size_t size) override;

  ssize_t write(const char* from, std::size_t size) override;

  void get_remote_ip_and_port(std::string& ip, int& port) const override;

  void get_local_ip_and_port(std::string& ip, int& port) const override;

  [[nodiscard]] socket_t socket() const override {
    return socket_;
  }

private:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] bool wait(short what, clock::time_point until) const;

  const socket_t socket_;
  const std::atomic<bool>& closing_;
  clock::time_point read_until_{};
  std::size_t budget_ = 0;
  std::array<char, 4096> buffer_{};
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

} // namespace troupe::observing
