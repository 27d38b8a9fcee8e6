// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/http_server.hpp"
#include "observer/job_lane.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <set>
#include <thread>

namespace troupe::observing {

class http_connection;

/// All connections of a server. But for the constructor and the destructor,
/// `start`, `wake_streams` and the two readers, all runs on its one thread.
class http_server::core {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;
  using connection_ptr = std::shared_ptr<http_connection>;

  core(options how, const event_ring& events);

  core(const core&) = delete;

  core& operator=(const core&) = delete;

  ~core();

  void start();

  void wake_streams() noexcept;

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  [[nodiscard]] std::size_t streams() const noexcept {
    return streams_.load(std::memory_order_relaxed);
  }

  // -- for connections --------------------------------------------------------

  [[nodiscard]] const event_ring& events() const noexcept {
    return events_;
  }

  /// Whether only programs of this machine may ask.
  [[nodiscard]] bool is_private() const noexcept {
    return is_private_;
  }

  [[nodiscard]] bool closing() const noexcept {
    return closing_;
  }

  [[nodiscard]] std::size_t max_streams() const noexcept {
    return options_.max_streams;
  }

  /// @returns `false` if all places are taken.
  [[nodiscard]] bool take_stream() noexcept;

  void leave_stream() noexcept;

  /// Has a request answered, at once or later.
  void serve(const connection_ptr& who, const http_request& what);

  /// Counts bytes that clients are yet to take.
  void owe(std::size_t more, std::size_t less);

  void remove(const connection_ptr& who) noexcept;

private:
  void listen();

  void run() noexcept;

  void accept();

  void add(tcp::socket socket);

  void accept_later(const std::string& why);

  /// Closes the connection that waits for its client longest, if any does.
  void evict();

  /// Now and then: closes connections whose time is over.
  void sweep();

  void sweep_later();

  void begin_close();

  void finish_close();

  job_lane& lane_of(lane x) noexcept;

  const options options_;
  const event_ring& events_;
  const bool is_private_;
  const std::size_t most_connections_;
  std::uint16_t port_ = 0;

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
    work_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer sweeper_;
  boost::asio::steady_timer pause_;

  std::set<connection_ptr> connections_;
  std::size_t owed_ = 0;
  bool sweeping_ = false;
  bool complained_ = false;
  bool closing_ = false;
  bool finishing_ = false;
  clock::time_point finish_by_;
  std::atomic<std::size_t> streams_{0};
  std::atomic<bool> woken_{false};

  std::unique_ptr<job_lane> probes_;
  std::unique_ptr<job_lane> looks_;
  std::unique_ptr<job_lane> changes_;
  std::thread thread_;
};

} // namespace troupe::observing
