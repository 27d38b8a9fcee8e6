// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/http_server.hpp"

#include "observer/request_threads.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::observing {

namespace {

/// How many requests one connection may bring.
constexpr int most_requests = 100;

/// How long a client has for what it is sent when all is to be closed.
constexpr auto closing_limit = std::chrono::seconds{1};

} // namespace

// -- connection ----------------------------------------------------------------

bool http_server::connection::wait(short what, clock::time_point until) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - clock::now());
    pollfd x{socket_, what, 0};
    const auto n = ::poll(
      &x, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (n > 0)
      return (x.revents & (POLLERR | POLLNVAL)) == 0 && (x.revents & what) != 0;
    if (n == 0 || errno != EINTR)
      return false;
  }
}

bool http_server::connection::await_request() {
  if (first_ == last_ && !wait(POLLIN, clock::now() + keep_alive))
    return false;
  read_until_ = clock::now() + client_limit;
  budget_ = longest_request;
  return !closing_.load(std::memory_order_relaxed);
}

bool http_server::connection::is_readable() const {
  return first_ != last_ || wait(POLLIN, read_until_);
}

bool http_server::connection::is_writable() const {
  const auto limit = closing_.load(std::memory_order_relaxed)
                       ? std::chrono::seconds{closing_limit}
                       : client_limit;
  return wait(POLLOUT, clock::now() + limit);
}

ssize_t http_server::connection::read(char* to, std::size_t size) {
  if (first_ == last_) {
    if (budget_ == 0 || !wait(POLLIN, read_until_))
      return -1;
    const auto n = ::recv(socket_, buffer_.data(),
                          std::min(budget_, buffer_.size()), 0);
    if (n <= 0)
      return n;
    first_ = 0;
    last_ = static_cast<std::size_t>(n);
    budget_ -= last_;
  }
  const auto n = std::min(size, last_ - first_);
  std::memcpy(to, buffer_.data() + first_, n);
  first_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t http_server::connection::write(const char* from, std::size_t size) {
  if (!is_writable())
    return -1;
  return ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void http_server::connection::get_remote_ip_and_port(std::string& ip,
                                                     int& port) const {
  // Nobody asks.
  ip.clear();
  port = 0;
}

void http_server::connection::get_local_ip_and_port(std::string& ip,
                                                    int& port) const {
  get_remote_ip_and_port(ip, port);
}

// -- server --------------------------------------------------------------------

void http_server::close_connections() {
  closing_.store(true, std::memory_order_relaxed);
  std::unique_lock guard{mtx_};
  // Threads that wait for a request wake up; an answer can still be sent.
  for (auto x : open_)
    ::shutdown(x, SHUT_RD);
}

void http_server::unbind() noexcept {
  ::close(svr_sock_.exchange(INVALID_SOCKET));
}

bool http_server::add(socket_t socket) {
  if (request_threads::too_many_here())
    return false;
  std::unique_lock guard{mtx_};
  open_.insert(socket);
  return !closing_.load(std::memory_order_relaxed);
}

void http_server::remove(socket_t socket) {
  std::unique_lock guard{mtx_};
  open_.erase(socket);
}

bool http_server::process_and_close_socket(socket_t socket) {
  auto good = false;
  if (add(socket)) {
    try {
      connection client{socket, closing_};
      auto closed = false;
      for (int n = 1; !closed && n <= most_requests && client.await_request();
           ++n) {
        good = process_request(client, n == most_requests, closed, nullptr);
        if (!good)
          break;
      }
    } catch (...) {
      good = false; // There is no memory for what this client wants.
    }
  }
  remove(socket);
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return good;
}

} // namespace troupe::observing
