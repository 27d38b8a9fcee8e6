// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/observer/event_file.hpp"
#include "troupe/observer/metrics.hpp"
#include "troupe/observer/render.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// The port of an observer that was told none.
inline constexpr std::uint16_t default_observer_port = 9464;

/// How an observer runs. An aggregate for designated initializers; the order of
/// its members is part of the interface.
struct observer_options {
  /// Where it listens. Without one it is that of the setting
  /// `troupe.observer.address` or of the environment variable
  /// `TROUPE_OBSERVER_ADDRESS`, or else 127.0.0.1: everybody who reaches it can
  /// see all that the workers say about themselves, so by default only programs
  /// of this machine can. In a container it is 0.0.0.0.
  std::string address = {};

  /// Its port; zero for any that is free. Without one it is that of the setting
  /// `troupe.observer.port` or of the environment variable
  /// `TROUPE_OBSERVER_PORT`, or else `default_observer_port`.
  std::optional<std::uint16_t> port = {};

  /// The token that a request must present to restart, stop or start a child,
  /// 16 characters at least. Without one it is that of the setting
  /// `troupe.observer.token` or of the environment variable
  /// `TROUPE_OBSERVER_TOKEN`; and where there is none, such requests are
  /// refused.
  std::string token = {};

  /// How many may read the events at a time. Each takes a connection.
  std::size_t max_streams = 100;

  /// How many events are kept for those who come later, or are slow.
  std::size_t kept_events = 1000;

  /// How long a status waits for workers that do not answer, see
  /// `worker_handle::status_tree`.
  option_time patience = std::chrono::milliseconds{100};

  /// How long a request that restarts, stops or starts a child waits for its
  /// supervisor.
  option_time call_timeout = std::chrono::seconds{30};

  /// The options of the metrics, see `export_metrics`.
  metrics_options metrics = {};
};

/// Shows the workers of an actor system in a browser: a page that follows them
/// live, their status, events and metrics, and the answers that an orchestrator
/// needs. docs/observer.md describes what it serves. (S28, S29)
///
/// ~~~
/// int caf_main(caf::actor_system& sys) {
///   troupe::observer observer{sys};
///   std::cout << "watch it on " << observer.url() << std::endl;
///   return troupe::run(sys, pipeline());
/// }
/// ~~~
///
/// It has threads of its own: one that reads and writes for all connections,
/// and a few that find the answers. A worker never waits for them, and probes
/// and metrics never wait for other requests. While nobody looks, it costs what
/// its subscription to the events costs.
///
/// It belongs to a program that runs in real time: with a `testing::system`,
/// whose time stands still while nobody waits, use `status_trees` and
/// `on_event`. It has to go before its actor system does, and no worker may own
/// it: it waits for what it was told to do with one. Thread-safe.
class observer {
public:
  /// Listens when it returns.
  /// @throws std::invalid_argument if an option makes no sense.
  /// @throws std::system_error if it cannot listen there, or there is no
  ///         thread for it.
  explicit observer(caf::actor_system& sys, observer_options options = {});

  observer(const observer&) = delete;

  observer& operator=(const observer&) = delete;

  /// Closes all connections. Waits for requests under way.
  ~observer();

  /// The port it listens on.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Where its page is: `http://127.0.0.1:9464/`.
  [[nodiscard]] std::string url() const;

  /// How many read the events at this moment.
  [[nodiscard]] std::size_t streams() const noexcept;

private:
  class service;

  std::unique_ptr<service> service_;
};

} // namespace troupe
