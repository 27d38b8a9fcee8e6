// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer.hpp"

#include "base/make_thread.hpp"
#include "observer/controls.hpp"
#include "observer/document.hpp"
#include "observer/ended_roots.hpp"
#include "observer/event_ring.hpp"
#include "observer/guard.hpp"
#include "observer/http_server.hpp"
#include "observer/page.hpp"
#include "observer/request_threads.hpp"
#include "observer/shared_look.hpp"
#include "observer/wall_time.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/setting.hpp"
#include "troupe/events.hpp"
#include "worker/status_poll.hpp"
#include "worker/tree_status.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <httplib.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/socket.h>

namespace troupe {

namespace {

using httplib::Request;
using httplib::Response;
using observing::permission;

/// How long a supervisor may take to answer before the process counts as sick.
constexpr auto liveness_limit = std::chrono::seconds{1};

/// How often a stream without events shows that it is alive; by that a reader
/// who has gone is noticed.
constexpr auto heartbeat = std::chrono::seconds{5};

/// How long to wait before listening is tried again.
constexpr auto retry_pause = std::chrono::seconds{1};

/// And before it is told once more to end.
constexpr auto stop_pause = std::chrono::milliseconds{10};

/// How many requests are served at a time besides the streams.
constexpr std::size_t spare_threads = 16;

constexpr std::size_t longest_body = 4096;

constexpr std::size_t most_streams = 10'000;

constexpr auto json_type = "application/json";

/// Without it a page of somebody else's could put ours into a frame, or be
/// taken for it.
void add_headers(Response& to) {
  to.set_header("Cache-Control", "no-store");
  to.set_header("X-Content-Type-Options", "nosniff");
  to.set_header("Referrer-Policy", "no-referrer");
  to.set_header("Content-Security-Policy",
                "default-src 'none'; frame-ancestors 'none'");
}

/// A word that nobody can guess.
std::string make_nonce() {
  std::random_device source;
  std::ostringstream result;
  result << std::hex;
  for (int i = 0; i < 4; ++i)
    result << source();
  return result.str();
}

/// Has a browser take only what stands in the page itself for its style and its
/// code, whatever somebody has managed to bring into it.
void send_page(Response& to) {
  const auto nonce = make_nonce();
  std::string text{observing::page()};
  for (auto tag : {"<style", "<script"})
    if (auto at = text.find(std::string{tag} + '>'); at != std::string::npos)
      text.insert(at + std::strlen(tag), " nonce=\"" + nonce + '"');
  to.headers.erase("Content-Security-Policy");
  to.set_header("Content-Security-Policy",
                "default-src 'none'; style-src 'nonce-" + nonce
                  + "'; script-src 'nonce-" + nonce
                  + "'; connect-src 'self'; img-src data:; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'; "
                    "require-trusted-types-for 'script'; trusted-types 'none'");
  to.set_content(text, "text/html; charset=utf-8");
}

void fail(Response& to, int status, std::string_view why) {
  to.status = status;
  to.set_content(observing::error_document(why), json_type);
}

/// Reads the number that a request gives by `name=17`.
/// @returns whether it is a number; `result` stays what it is where there is no
///          such parameter.
bool read_number(const Request& from, const char* name, std::uint64_t& result) {
  if (!from.has_param(name))
    return true;
  const auto text = from.get_param_value(name);
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(),
                                    result);
  return err == std::errc{} && end == text.data() + text.size();
}

/// The text of an error that has none.
std::string_view text_of_status(int status) {
  switch (status) {
    case 400:
      return "this is no request that could be understood";
    case 413:
      return "the body of the request is too long; none is needed";
    case 414:
      return "the path of the request is too long";
    default:
      return "the request could not be served";
  }
}

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

/// Whether a body comes that is longer than any request needs, or nobody knows
/// how long.
bool has_long_body(const Request& what) {
  if (what.has_header("Transfer-Encoding"))
    return true;
  std::uint64_t length = 0;
  const auto text = what.get_header_value("Content-Length");
  if (text.empty())
    return false;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(),
                                    length);
  return err != std::errc{} || end != text.data() + text.size()
         || length > longest_body;
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
                                + ", and each takes a thread; it may be "
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

/// The server, its threads, and what it has to show.
class observer::service {
public:
  service(caf::actor_system& sys, observer_options options)
    : sys_(sys),
      rt_(runtime::of(sys)),
      options_(checked(sys, std::move(options))),
      time_(*rt_),
      events_(options_.kept_events),
      roots_(std::make_shared<observing::ended_roots>(*rt_)),
      look_([this] {
        return roots_->with_ended(status_trees(sys_, options_.patience));
      }) {
    export_metrics(sys, options_.metrics);
    rt_->events().subscribe(roots_);
    ended_ = subscription{roots_};
    source_ = on_event(sys, [this](const lifecycle_event& x) { note(x); });
    subscribed_.store(true, std::memory_order_release);
    set_up();
    route();
    listen();
    rt_->log(compat::log_info, "the observer is on " + url());
  }

  service(const service&) = delete;

  service& operator=(const service&) = delete;

  ~service() {
    {
      std::unique_lock guard{mtx_};
      closing_ = true;
      closed_.notify_all();
    }
    events_.close();
    server_.close_connections();
    // It may be about to listen again, and cannot be stopped before it does.
    std::unique_lock guard{mtx_};
    do {
      guard.unlock();
      server_.stop();
      guard.lock();
    } while (!closed_.wait_for(guard, stop_pause, [this] { return done_; }));
    guard.unlock();
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  [[nodiscard]] std::string url() const {
    auto host = options_.address.find(':') != std::string::npos
                  ? '[' + options_.address + ']'
                  : options_.address;
    return "http://" + host + ':' + std::to_string(port_) + '/';
  }

  [[nodiscard]] std::size_t streams() const noexcept {
    return streams_.load(std::memory_order_relaxed);
  }

private:
  // -- set-up -----------------------------------------------------------------

  void set_up() {
    server_.new_task_queue = [most = options_.max_streams + spare_threads] {
      return new observing::request_threads(most);
    };
    // By default two programs may share a port, each getting some of the
    // requests.
    server_.set_socket_options([](auto socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    server_.set_tcp_nodelay(true);
    server_.set_payload_max_length(longest_body);
    server_.set_pre_routing_handler([this](const Request& what, Response& to) {
      using result = httplib::Server::HandlerResponse;
      // Each range would be a copy of the whole; a server need not know them.
      const_cast<Request&>(what).ranges.clear();
      add_headers(to);
      if (observing::is_loopback(options_.address)
          && !observing::is_local_host(what.get_header_value("Host"))) {
        fail(to, 403,
             "the header Host names another machine; ask for localhost or "
             "127.0.0.1");
        to.set_header("Connection", "close");
        return result::Handled;
      }
      if (what.method == "GET" || what.method == "HEAD")
        return result::Unhandled;
      if (has_long_body(what)) {
        fail(to, 413, text_of_status(413));
        to.set_header("Connection", "close");
        return result::Handled;
      }
      // cpp-httplib would wait for a body that nobody sends.
      if (!what.has_header("Content-Length")) {
        if (what.method == "POST")
          post(what, to);
        else
          refuse(what, to);
        return result::Handled;
      }
      return result::Unhandled;
    });
    server_.set_error_handler([](const Request&, Response& to) {
      if (to.body.empty())
        fail(to, to.status, text_of_status(to.status));
    });
    server_.set_exception_handler(
      [](const Request&, Response& to, std::exception_ptr what) {
        fail(to, 500, text_of(what));
      });
  }

  void listen() {
    errno = 0;
    auto bound = *options_.port == 0
                   ? server_.bind_to_any_port(options_.address)
                   : (server_.bind_to_port(options_.address, *options_.port)
                        ? int{*options_.port}
                        : -1);
    if (bound < 0)
      throw std::system_error{
        errno != 0 ? errno : EADDRNOTAVAIL, std::generic_category(),
        "the observer cannot listen on " + options_.address + " port "
          + std::to_string(*options_.port)
          + "; choose another one in observer_options, or by "
            "troupe.observer.port"};
    port_ = static_cast<std::uint16_t>(bound);
    try {
      thread_ = make_thread("the observer", [this] { serve(); });
    } catch (...) {
      server_.unbind();
      throw;
    }
    // It cannot be stopped before it has begun, and has no way of telling.
    while (!server_.is_running())
      std::this_thread::yield();
  }

  /// Listens until the end. cpp-httplib gives up when the system once refuses a
  /// connection, for example for want of memory.
  void serve() {
    server_.listen_after_bind();
    std::unique_lock guard{mtx_};
    while (!closing_) {
      rt_->log(compat::log_error, "the observer has ceased to listen on "
                                    + url() + ", and tries to do so again");
      closed_.wait_for(guard, retry_pause, [this] { return closing_; });
      guard.unlock();
      if (server_.bind_to_port(options_.address, port_))
        server_.listen_after_bind();
      guard.lock();
    }
    done_ = true;
    closed_.notify_all();
  }

  void route() {
    get("/", [](const Request&, Response& to) { send_page(to); });
    get("/status.json",
        [this](const Request& what, Response& to) { send_status(what, to); });
    get("/status.txt", [this](const Request& what, Response& to) {
      if (auto trees = select(what, to))
        to.set_content(to_text(*trees), "text/plain; charset=utf-8");
    });
    get("/status.dot", [this](const Request& what, Response& to) {
      if (auto trees = select(what, to))
        to.set_content(to_dot(*trees), "text/vnd.graphviz; charset=utf-8");
    });
    get("/events",
        [this](const Request& what, Response& to) { send_events(what, to); });
    get("/metrics", [this](const Request&, Response& to) {
      to.set_content(prometheus_text(sys_),
                     "text/plain; version=0.0.4; charset=utf-8");
    });
    get("/healthz", [this](const Request&, Response& to) {
      send_verdict(observing::liveness(look_at_roots()), to);
    });
    get("/readyz", [this](const Request&, Response& to) {
      send_verdict(observing::readiness(roots_->with_ended(status_trees(sys_))),
                   to);
    });
    server_.Post(".*",
                 [this](const Request& what, Response& to) { post(what, to); });
    auto refuse_it = [this](const Request& what, Response& to) {
      refuse(what, to);
    };
    server_.Get(R"([\s\S]*)", refuse_it);
    server_.Put(R"([\s\S]*)", refuse_it);
    server_.Patch(R"([\s\S]*)", refuse_it);
    server_.Delete(R"([\s\S]*)", refuse_it);
    server_.Options(R"([\s\S]*)", refuse_it);
  }

  template <class F>
  void get(const char* path, F f) {
    server_.Get(path, std::move(f));
    known_.emplace_back(path);
  }

  /// Answers any other request with an error that says why.
  void refuse(const Request& what, Response& to) const {
    const auto is_known = std::find(known_.begin(), known_.end(), what.path)
                          != known_.end();
    if (is_known) {
      to.set_header("Allow", "GET, HEAD");
      fail(to, 405, what.path + " can only be read: use GET");
    } else if (what.path.starts_with("/children/")
               && !observing::parse_command(what.path)) {
      fail(to, 404,
           what.path
             + " is not /children/PATH/restart, /stop or /start; in a path, # "
               "is written %23");
    } else if (observing::parse_command(what.path)) {
      to.set_header("Allow", "POST");
      fail(to, 405, what.path + " changes something: use POST");
    } else {
      fail(to, 404,
           "there is nothing at " + what.path
             + "; / is the page, /status.json what it shows");
    }
  }

  // -- status -----------------------------------------------------------------

  /// The status of those with nobody above them, without what is below.
  [[nodiscard]] std::vector<tree_status> look_at_roots() {
    auto roots = rt_->top_cores();
    std::erase_if(roots, [](const core_ptr& x) {
      return x->kind() != child_kind::supervisor;
    });
    auto answers = status_poll::hold(*rt_, roots, liveness_limit);
    std::vector<tree_status> result;
    for (const auto& x : roots) {
      tree_status root;
      root.self = x->status();
      root.kind = child_kind::supervisor;
      root.last_end = x->last_outcome();
      root.answering = !answers->is_mute(*x);
      result.push_back(std::move(root));
    }
    return roots_->with_ended(std::move(result));
  }

  /// All that is to be shown: of one worker and those below it if the request
  /// names a path.
  /// @returns null, and answers the request, if nobody has that path.
  [[nodiscard]] std::shared_ptr<const std::vector<tree_status>>
  select(const Request& what, Response& to) {
    auto trees = look_.take();
    if (!what.has_param("path"))
      return trees;
    const auto path = what.get_param_value("path");
    const auto* found = observing::find(*trees, path);
    if (found == nullptr) {
      fail(to, 404,
           "there is no worker " + path + "; in a path, # is written %23");
      return nullptr;
    }
    return std::make_shared<const std::vector<tree_status>>(1, *found);
  }

  void send_status(const Request& what, Response& to) {
    std::uint64_t depth = std::numeric_limits<std::size_t>::max();
    if (!read_number(what, "depth", depth) || depth == 0) {
      fail(to, 400, "depth is not a number of levels, one or more");
      return;
    }
    observing::document_facts facts;
    facts.controls = !options_.token.empty();
    facts.depth = depth;
    // Before the look, so that nothing falls in between.
    facts.last_event = events_.last();
    auto trees = select(what, to);
    if (!trees)
      return;
    facts.at = time_.of(rt_->time().now());
    to.set_content(observing::document(*trees, facts), json_type);
  }

  static void send_verdict(const observing::verdict& what, Response& to) {
    to.status = what.good ? 200 : 503;
    to.set_content((what.good ? "ok" : rules::printable(what.why)) + "\n",
                   "text/plain; charset=utf-8");
  }

  // -- events -----------------------------------------------------------------

  /// On the thread of the events.
  void note(const lifecycle_event& x) {
    // The first ones may come before there is a subscription to be asked.
    if (subscribed_.load(std::memory_order_acquire)) {
      const auto missed = source_.missed();
      events_.skip(missed - std::exchange(missed_, missed));
    }
    events_.put(x.path, to_json(x, time_.of(x.at)));
  }

  /// A share in the streams that may be open at a time.
  class place {
  public:
    explicit place(std::atomic<std::size_t>& taken) noexcept : taken_(taken) {
      // nop
    }

    place(const place&) = delete;

    place& operator=(const place&) = delete;

    ~place() {
      taken_.fetch_sub(1, std::memory_order_relaxed);
    }

  private:
    std::atomic<std::size_t>& taken_;
  };

  /// @returns null if all are taken.
  [[nodiscard]] std::shared_ptr<place> take_place() {
    auto taken = streams_.load(std::memory_order_relaxed);
    do {
      if (taken >= options_.max_streams)
        return nullptr;
    } while (!streams_.compare_exchange_weak(taken, taken + 1,
                                             std::memory_order_relaxed));
    return std::make_shared<place>(streams_);
  }

  void send_events(const Request& what, Response& to) {
    auto after = std::numeric_limits<std::uint64_t>::max(); // from now on
    if (what.has_param("since") ? !read_number(what, "since", after)
                                : !read_last_id(what, after)) {
      fail(to, 400, "since, or Last-Event-ID, is not the number of an event");
      return;
    }
    auto mine = take_place();
    if (!mine) {
      to.set_header("Retry-After", "5");
      fail(to, 503,
           "there are " + std::to_string(options_.max_streams)
             + " readers of the events already; ask again later");
      return;
    }
    if (after == std::numeric_limits<std::uint64_t>::max())
      after = events_.last();
    to.set_chunked_content_provider(
      "text/event-stream",
      [this, mine, after, begun = false, under = what.get_param_value("under")](
        size_t, httplib::DataSink& sink) mutable {
        // The first words go out at once, so that the reader knows.
        auto batch = events_.read(after, begun ? timespan{heartbeat}
                                               : timespan::zero());
        auto text = observing::to_stream(batch, under);
        if (text.empty())
          text = ":\n\n";
        if (!std::exchange(begun, true))
          text.insert(0, "retry: 1000\n\n");
        after = batch.last;
        if (!sink.write(text.data(), text.size()))
          return false;
        if (batch.closed)
          sink.done();
        return true;
      });
  }

  /// Where a reader wants to go on whose connection was cut.
  static bool read_last_id(const Request& what, std::uint64_t& result) {
    const auto text = what.get_header_value("Last-Event-ID");
    if (text.empty())
      return true;
    auto [end, err] = std::from_chars(text.data(), text.data() + text.size(),
                                      result);
    return err == std::errc{} && end == text.data() + text.size();
  }

  // -- changes ----------------------------------------------------------------

  void post(const Request& what, Response& to) {
    if (auto wanted = observing::parse_command(what.path))
      change(*wanted, what, to);
    else
      refuse(what, to);
  }

  void change(const observing::command& wanted, const Request& what,
              Response& to) {
    switch (observing::may_change(options_.token,
                                  what.get_header_value("Authorization"))) {
      case permission::no_token:
        fail(to, 403,
             "this observer changes nothing, because the program has given it "
             "no token: set observer_options.token, or troupe.observer.token");
        return;
      case permission::missing:
        to.set_header("WWW-Authenticate", "Bearer");
        fail(to, 401, "the header \"Authorization: Bearer TOKEN\" is missing");
        return;
      case permission::wrong:
        to.set_header("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        fail(to, 401, "this is not the token of this observer");
        return;
      case permission::granted:
        break;
    }
    rt_->log(compat::log_info, "the observer was told to " + wanted.verb + ' '
                                 + rules::printable(wanted.path));
    auto err = observing::control(sys_, wanted, options_.call_timeout);
    if (err)
      fail(to, observing::status_of(err), text_of(err));
    else
      to.set_content(R"({"ok":true})", json_type);
  }

  caf::actor_system& sys_;
  const std::shared_ptr<runtime> rt_;
  const observer_options options_;
  const observing::wall_time time_;
  observing::event_ring events_;
  const std::shared_ptr<observing::ended_roots> roots_;
  observing::shared_look look_;
  std::atomic<bool> subscribed_{false};
  std::uint64_t missed_ = 0;
  std::atomic<std::size_t> streams_{0};
  std::vector<std::string> known_;
  observing::http_server server_;
  std::uint16_t port_ = 0;
  std::mutex mtx_;
  std::condition_variable closed_;
  bool closing_ = false;
  bool done_ = false;
  std::thread thread_;
  subscription ended_;
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
