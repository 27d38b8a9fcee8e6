// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/http_core.hpp"

#include "base/make_thread.hpp"
#include "observer/guard.hpp"
#include "observer/http_connection.hpp"
#include "troupe/error.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <future>
#include <new>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

namespace troupe::observing {

using namespace detail;

namespace {

namespace asio = boost::asio;

using boost::system::error_code;

/// How many connections there are at most besides the streams.
constexpr std::size_t most_connections = 512;

/// How many bytes clients may be yet to take.
constexpr std::size_t most_owed = std::size_t{64} << 20;

/// How often the time of connections is looked at.
constexpr auto sweep_interval = std::chrono::milliseconds{100};

/// How long to wait before a connection is accepted again after a failure.
constexpr auto retry_pause = std::chrono::milliseconds{100};

/// How long clients have for what they are sent when all is to be closed.
constexpr auto finish_limit = std::chrono::seconds{1};

/// How many threads a lane has at most.
constexpr std::size_t most_probes = 8;
constexpr std::size_t most_looks = 4;
constexpr std::size_t most_changes = 16;

/// Leaves the program half of the files that it may open.
std::size_t connections_allowed() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0
      || limit.rlim_cur == RLIM_INFINITY)
    return most_connections;
  return std::clamp<std::size_t>(limit.rlim_cur / 2, 8, most_connections);
}

/// Programs that this one starts do not inherit it.
void close_on_exec(int socket) noexcept {
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
}

http_answer busy() {
  auto result = refusal(503, "too many requests wait already; ask again later");
  result.headers.emplace_back("Retry-After", "1");
  return result;
}

/// Answers also where there is an exception.
http_answer answer_of(const http_task& task, bool takes_gzip) noexcept {
  constexpr std::size_t worth_it = 1024;
  try {
    auto result = task.run();
    if (takes_gzip && result.body.size() >= worth_it) {
      result.body = to_gzip(result.body);
      result.headers.emplace_back("Content-Encoding", "gzip");
    }
    return result;
  } catch (...) {
    try {
      return refusal(500, text_of(std::current_exception()));
    } catch (...) {
      return {.status = 500}; // There is no memory.
    }
  }
}

} // namespace

// -- what others see -----------------------------------------------------------

http_server::http_server(options how, const event_ring& events)
  : core_(std::make_unique<core>(std::move(how), events)) {
  // nop
}

http_server::~http_server() = default;

void http_server::start() {
  core_->start();
}

void http_server::wake_streams() noexcept {
  core_->wake_streams();
}

std::uint16_t http_server::port() const noexcept {
  return core_->port();
}

std::size_t http_server::streams() const noexcept {
  return core_->streams();
}

// -- begin and end -------------------------------------------------------------

http_server::core::core(options how, const event_ring& events)
  : options_(std::move(how)),
    events_(events),
    is_private_(is_loopback(options_.address)),
    most_connections_(connections_allowed()),
    work_(io_.get_executor()),
    acceptor_(io_),
    sweeper_(io_),
    pause_(io_) {
  listen();
  probes_ = std::make_unique<job_lane>("the observer's probes", most_probes);
  looks_ = std::make_unique<job_lane>("the observer's looks", most_looks);
  changes_ = std::make_unique<job_lane>("the observer's changes", most_changes);
  thread_ = make_thread("the observer", [this] { run(); });
}

http_server::core::~core() {
  std::promise<void> begun;
  asio::post(io_, [this, &begun] {
    begin_close();
    begun.set_value();
  });
  begun.get_future().wait();
  // Their answers are on their way when they are gone.
  probes_.reset();
  looks_.reset();
  changes_.reset();
  asio::post(io_, [this] { finish_close(); });
  thread_.join();
}

void http_server::core::start() {
  asio::post(io_, [this] { accept(); });
}

void http_server::core::listen() {
  tcp::resolver resolver{io_};
  error_code err;
  const auto places
    = resolver.resolve(options_.address, std::to_string(options_.port),
                       tcp::resolver::passive | tcp::resolver::numeric_service,
                       err);
  for (const auto& x : places) {
    const auto place = x.endpoint();
    std::ignore = acceptor_.close(err);
    std::ignore = acceptor_.open(place.protocol(), err);
    if (err)
      continue;
    close_on_exec(acceptor_.native_handle());
    std::ignore = acceptor_.set_option(tcp::acceptor::reuse_address{true}, err);
    std::ignore = acceptor_.bind(place, err);
    if (!err)
      std::ignore = acceptor_.listen(asio::socket_base::max_listen_connections,
                                     err);
    if (!err) {
      port_ = acceptor_.local_endpoint(err).port();
      return;
    }
  }
  const auto is_of_system = err.category() == boost::system::system_category();
  throw std::system_error{is_of_system && err ? err.value() : EADDRNOTAVAIL,
                          std::generic_category(),
                          "the observer cannot listen on " + options_.address
                            + " port " + std::to_string(options_.port)
                            + "; choose another one in observer_options, or by "
                              "troupe.observer.port"};
}

void http_server::core::run() noexcept {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (...) {
      // There is no memory for one of the connections, whose time will be over.
      static_cast<void>(owed_);
    }
  }
}

void http_server::core::begin_close() {
  closing_ = true;
  error_code ignored;
  std::ignore = acceptor_.close(ignored);
  pause_.cancel();
  const std::vector<connection_ptr> all{connections_.begin(),
                                        connections_.end()};
  for (const auto& x : all)
    x->end();
}

void http_server::core::finish_close() {
  finishing_ = true;
  finish_by_ = clock::now() + finish_limit;
  const std::vector<connection_ptr> all{connections_.begin(),
                                        connections_.end()};
  for (const auto& x : all)
    if (x->is_working())
      x->close(); // Its task was dropped.
  if (connections_.empty())
    io_.stop();
}

// -- connections ---------------------------------------------------------------

void http_server::core::accept() {
  if (closing_)
    return;
  acceptor_.async_accept([this](error_code err, tcp::socket socket) {
    if (closing_)
      return;
    if (err) {
      accept_later(err.message());
      return;
    }
    complained_ = false;
    try {
      add(std::move(socket));
    } catch (const std::exception& what) {
      accept_later(what.what());
      return;
    }
    accept();
  });
}

void http_server::core::add(tcp::socket socket) {
  close_on_exec(socket.native_handle());
  error_code ignored;
  std::ignore = socket.set_option(tcp::no_delay{true}, ignored);
  if (connections_.size() >= most_connections_ + streams())
    evict();
  // All others are served at this moment.
  if (connections_.size() >= most_connections_ + streams())
    return;
  const auto client = std::make_shared<http_connection>(*this,
                                                        std::move(socket));
  connections_.insert(client);
  sweep_later();
  client->start();
}

void http_server::core::accept_later(const std::string& why) {
  if (!std::exchange(complained_, true))
    options_.complain("the observer cannot accept a connection, and tries to "
                      "do so again: "
                      + why);
  evict();
  pause_.expires_after(retry_pause);
  pause_.async_wait([this](error_code err) {
    if (!err)
      accept();
  });
}

void http_server::core::evict() {
  connection_ptr oldest;
  for (const auto& x : connections_)
    if (x->waits_for_client() && (!oldest || x->since() < oldest->since()))
      oldest = x;
  if (oldest)
    oldest->close();
}

void http_server::core::owe(std::size_t more, std::size_t less) {
  owed_ += more;
  owed_ -= less;
  if (more == 0 || owed_ <= most_owed)
    return;
  // Those that take nothing go, and not those that have just been answered.
  std::vector<connection_ptr> slow;
  for (const auto& x : connections_)
    if (x->waits_for_client())
      slow.push_back(x);
  std::sort(slow.begin(), slow.end(), [](const auto& x, const auto& y) {
    return x->since() < y->since();
  });
  slow.pop_back(); // This one has just been answered.
  for (const auto& x : slow)
    if (owed_ > most_owed)
      x->close();
}

void http_server::core::remove(const connection_ptr& who) noexcept {
  connections_.erase(who);
  if (finishing_ && connections_.empty())
    io_.stop();
}

void http_server::core::sweep_later() {
  if (std::exchange(sweeping_, true))
    return;
  sweeper_.expires_after(sweep_interval);
  sweeper_.async_wait([this](error_code) { sweep(); });
}

void http_server::core::sweep() {
  sweeping_ = false;
  if (connections_.empty())
    return;
  sweep_later();
  const auto now = clock::now();
  const std::vector<connection_ptr> all{connections_.begin(),
                                        connections_.end()};
  for (const auto& x : all) {
    if (finishing_ && now >= finish_by_)
      x->close();
    else
      x->check(now);
  }
}

// -- requests ------------------------------------------------------------------

bool http_server::core::take_stream() noexcept {
  if (streams() >= options_.max_streams)
    return false;
  streams_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void http_server::core::leave_stream() noexcept {
  streams_.fetch_sub(1, std::memory_order_relaxed);
}

void http_server::core::wake_streams() noexcept {
  if (streams() == 0 || woken_.exchange(true, std::memory_order_acq_rel))
    return;
  try {
    asio::post(io_, [this] {
      woken_.store(false, std::memory_order_release);
      const std::vector<connection_ptr> all{connections_.begin(),
                                            connections_.end()};
      for (const auto& x : all)
        x->pump();
    });
  } catch (...) {
    woken_.store(false, std::memory_order_release);
  }
}

job_lane& http_server::core::lane_of(lane x) noexcept {
  switch (x) {
    case lane::probe:
      return *probes_;
    case lane::change:
      return *changes_;
    case lane::look:
      break;
  }
  return *looks_;
}

void http_server::core::serve(const connection_ptr& who,
                              const http_request& what) {
  auto reply = options_.serve(what);
  if (auto* at_once = std::get_if<http_answer>(&reply)) {
    who->send(std::move(*at_once));
    return;
  }
  auto& task = std::get<http_task>(reply);
  if (closing_) {
    who->send(busy());
    return;
  }
  auto& where = lane_of(task.where);
  auto is_taken = where.submit(
    [this, who, task = std::move(task), takes_gzip = what.takes_gzip] {
      auto answer = std::make_shared<http_answer>(answer_of(task, takes_gzip));
      asio::post(io_, [who, answer] { who->send(std::move(*answer)); });
    });
  if (!is_taken)
    who->send(busy());
}

} // namespace troupe::observing
