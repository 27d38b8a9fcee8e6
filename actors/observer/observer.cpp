// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer.hpp"

#include "observer/guard.hpp"
#include "observer/http_server.hpp"
#include "observer/site.hpp"
#include "observer/wall_time.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/setting.hpp"
#include "troupe/events.hpp"
#include "troupe/observer/render.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

constexpr std::size_t most_streams = 10'000;

/// Reads a setting that the program has left open.
void read_text(caf::actor_system& sys, const std::string& key,
               const char* variable, std::string& result) {
  if (!result.empty())
    return;
  if (const auto* text = std::getenv(variable))
    result = text;
  else if (auto entry = caf::get_as<std::string>(sys.config().content, key))
    result = *entry;
}

observer_options checked(caf::actor_system& sys, observer_options x) {
  if (!x.port)
    x.port = static_cast<std::uint16_t>(read_setting<std::int64_t>(
      sys, {"troupe.observer.port", "TROUPE_OBSERVER_PORT"},
      default_observer_port,
      [](std::int64_t n) {
        return n >= 0 && n <= std::numeric_limits<std::uint16_t>::max();
      },
      "a port, from 0 (any that is free) to 65535"));
  read_text(sys, "troupe.observer.address", "TROUPE_OBSERVER_ADDRESS",
            x.address);
  if (x.address.empty())
    x.address = "127.0.0.1";
  read_text(sys, "troupe.observer.token", "TROUPE_OBSERVER_TOKEN", x.token);
  if (!x.token.empty())
    observing::check_token(x.token);
  if (x.max_streams > most_streams)
    throw std::invalid_argument("observer_options.max_streams is "
                                + std::to_string(x.max_streams)
                                + ", and each takes a connection; it may be "
                                + std::to_string(most_streams) + " at most");
  if (x.kept_events == 0)
    throw std::invalid_argument("observer_options.kept_events is 0; keep one "
                                "event at least");
  if (x.patience < timespan::zero() || x.call_timeout < timespan::zero())
    throw std::invalid_argument("observer_options.patience or call_timeout is "
                                "negative");
  return x;
}

} // namespace

/// The server, and what it has to show.
class observer::service {
public:
  service(caf::actor_system& sys, observer_options options)
    : rt_(runtime::of(sys)),
      options_(checked(sys, std::move(options))),
      time_(*rt_),
      events_(options_.kept_events),
      site_(sys, options_, events_),
      server_({.address = options_.address,
               .port = *options_.port,
               .max_streams = options_.max_streams,
               .serve = [this](const auto& what) { return site_.serve(what); },
               .complain =
                 [rt = rt_.get()](const std::string& what) {
                   rt->log(compat::log_error, what);
                 }},
              events_) {
    export_metrics(sys, options_.metrics);
    source_ = on_event(sys, [this](const lifecycle_event& x) { note(x); });
    subscribed_.store(true, std::memory_order_release);
    server_.start();
    rt_->log(compat::log_info, "the observer is on " + url());
  }

  service(const service&) = delete;

  service& operator=(const service&) = delete;

  ~service() = default;

  [[nodiscard]] std::uint16_t port() const noexcept {
    return server_.port();
  }

  [[nodiscard]] std::string url() const {
    auto host = options_.address.find(':') != std::string::npos
                  ? '[' + options_.address + ']'
                  : options_.address;
    return "http://" + host + ':' + std::to_string(port()) + '/';
  }

  [[nodiscard]] std::size_t streams() const noexcept {
    return server_.streams();
  }

private:
  /// On the thread of the events.
  void note(const lifecycle_event& x) {
    // The first ones may come before there is a subscription to be asked.
    if (subscribed_.load(std::memory_order_acquire)) {
      const auto missed = source_.missed();
      events_.skip(missed - std::exchange(missed_, missed));
    }
    events_.put(rules::as_utf8(x.path), to_json(x, time_.of(x.at)));
    server_.wake_streams();
  }

  const std::shared_ptr<runtime> rt_;
  const observer_options options_;
  const observing::wall_time time_;
  observing::event_ring events_;
  observing::site site_;
  observing::http_server server_;
  std::atomic<bool> subscribed_{false};
  std::uint64_t missed_ = 0;
  subscription source_; // goes first
};

observer::observer(caf::actor_system& sys, observer_options options)
  : service_(std::make_unique<service>(sys, std::move(options))) {
  // nop
}

observer::~observer() = default;

std::uint16_t observer::port() const noexcept {
  return service_->port();
}

std::string observer::url() const {
  return service_->url();
}

std::size_t observer::streams() const noexcept {
  return service_->streams();
}

} // namespace troupe
