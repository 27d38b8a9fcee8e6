// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace troupe::observing {

class event_ring;

/// Requests of one sort: they wait for others of it only.
enum class lane {
  probe,  ///< An orchestrator asks, and restarts the program if it waits long.
  look,   ///< Somebody looks at all workers.
  change, ///< Somebody changes something, and waits until it is done.
};

/// A request that may take some time.
struct http_task {
  lane where = lane::look;
  std::function<http_answer()> run;
};

/// The answer to a request, or how to find it.
using http_reply = std::variant<http_answer, http_task>;

/// A server whose clients can keep neither it nor one another waiting: one
/// thread reads and writes for all connections and waits for nobody, and a few
/// threads for each lane find the answers. Thread-safe.
class http_server {
public:
  class core;

  /// How long a client may take for a request, and may take nothing of what it
  /// is sent.
  static constexpr std::chrono::seconds client_limit{5};

  /// How long a connection is kept for the next request, as clients are told.
  static constexpr std::chrono::seconds keep_alive{5};

  /// How often a stream without events shows that it is alive.
  static constexpr std::chrono::seconds heartbeat{5};

  struct options {
    std::string address;
    std::uint16_t port = 0; // zero: any that is free
    std::size_t max_streams = 0;
    /// Answers a request at once, or says how. Called by one thread.
    std::function<http_reply(const http_request&)> serve;
    /// Takes a line for the log.
    std::function<void(const std::string&)> complain;
  };

  /// Takes the port. Nobody is served before `start`.
  /// @param events What streams read. Outlives this.
  /// @throws std::system_error if it cannot listen there, or there is no thread
  ///         for it.
  http_server(options how, const event_ring& events);

  http_server(const http_server&) = delete;

  http_server& operator=(const http_server&) = delete;

  /// Closes all connections. Waits for tasks at work.
  ~http_server();

  void start();

  /// There are new events.
  void wake_streams() noexcept;

  [[nodiscard]] std::uint16_t port() const noexcept;

  /// How many read the events at this moment.
  [[nodiscard]] std::size_t streams() const noexcept;

private:
  std::unique_ptr<core> core_;
};

} // namespace troupe::observing
