// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/http_connection.hpp"

#include "observer/event_ring.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <iterator>
#include <tuple>
#include <utility>

namespace troupe::observing {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

/// By how much longer a connection is kept than its client is told, so that a
/// request on the last moment is not lost.
constexpr auto keep_alive_slack = std::chrono::seconds{1};

/// How long a client has to read what it was sent last.
constexpr auto leave_limit = std::chrono::seconds{1};

/// How much a client may still send that nobody reads any more.
constexpr std::size_t most_rest = std::size_t{1} << 20;

std::string_view to_std(boost::beast::string_view x) noexcept {
  return {x.data(), x.size()};
}

/// The head of an answer, for a body of that length, or for a stream.
std::string head_of(const http_answer& what, bool stays, bool is_chunked) {
  auto result = "HTTP/1.1 " + std::to_string(what.status) + ' ';
  result += to_std(http::obsolete_reason(http::int_to_status(what.status)));
  result += "\r\n";
  auto add = [&result](std::string_view name, std::string_view value) {
    result.append(name).append(": ").append(value).append("\r\n");
  };
  // Without it a page of somebody else's could put ours into a frame, or be
  // taken for it.
  add("Cache-Control", "no-store");
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Content-Security-Policy",
      what.content_policy.empty()
        ? std::string_view{"default-src 'none'; frame-ancestors 'none'"}
        : std::string_view{what.content_policy});
  if (!what.content_type.empty())
    add("Content-Type", what.content_type);
  for (const auto& [name, value] : what.headers)
    add(name, value);
  if (is_chunked)
    add("Transfer-Encoding", "chunked");
  else if (!what.stream)
    add("Content-Length", std::to_string(what.body.size()));
  if (stays) {
    add("Connection", "keep-alive");
    add("Keep-Alive",
        "timeout=" + std::to_string(http_server::keep_alive.count()));
  } else {
    add("Connection", "close");
  }
  return result + "\r\n";
}

} // namespace

http_connection::http_connection(core& of, core::tcp::socket socket)
  : core_(of),
    socket_(std::move(socket)),
    buffer_(2 * longest_request),
    since_(clock::now()),
    deadline_(clock::time_point::max()) {
  // nop
}

void http_connection::enter(state x, clock::duration limit) {
  state_ = x;
  since_ = clock::now();
  deadline_ = limit == clock::duration::max() ? clock::time_point::max()
                                              : since_ + limit;
}

void http_connection::close() noexcept {
  if (!socket_.is_open())
    return;
  error_code ignored;
  std::ignore = socket_.close(ignored);
  core_.owe(0, out_.size() - written_);
  written_ = out_.size();
  if (std::exchange(is_stream_, false))
    core_.leave_stream();
  core_.remove(shared_from_this());
}

void http_connection::check(clock::time_point now) {
  if (now >= deadline_)
    close();
  else if (state_ == state::streaming && now - since_ >= http_server::heartbeat)
    write(as_chunk(":\n\n"));
}

void http_connection::end() {
  switch (state_) {
    case state::waiting:
    case state::reading:
      close();
      break;
    case state::streaming:
      pump();
      break;
    case state::writing:
      // A stream is ended when it is written.
      deadline_ = std::min(deadline_, clock::now() + leave_limit);
      break;
    case state::working:
    case state::leaving:
      break;
  }
}

// -- the request ---------------------------------------------------------------

void http_connection::start() {
  enter(state::waiting, http_server::keep_alive + keep_alive_slack);
  if (buffer_.size() != 0) {
    read_head();
    return;
  }
  socket_.async_read_some(buffer_.prepare(1024),
                          [self = shared_from_this()](error_code err,
                                                      std::size_t n) {
                            if (err) {
                              self->close();
                              return;
                            }
                            self->buffer_.commit(n);
                            self->read_head();
                          });
}

void http_connection::read_head() {
  enter(state::reading, http_server::client_limit);
  is_head_ = false; // An answer to garbage has a body.
  stays_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(longest_request));
  parser_->body_limit(longest_body);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](error_code err,
                                                      std::size_t) {
                            self->on_head(err);
                          });
}

void http_connection::on_head(error_code err) {
  if (err) {
    reject(err);
    return;
  }
  const auto& head = parser_->get();
  is_head_ = head.method() == http::verb::head;
  is_http_1_0_ = head.version() < 11;
  request_head facts;
  facts.target = to_std(head.target());
  facts.is_http_1_0 = is_http_1_0_;
  facts.hosts = head.count(http::field::host);
  facts.host = to_std(head[http::field::host]);
  facts.authorizations = head.count(http::field::authorization);
  facts.has_transfer_encoding = head.count(http::field::transfer_encoding) != 0;
  facts.has_expectation = head.count(http::field::expect) != 0;
  if (auto length = parser_->content_length())
    facts.content_length = *length;
  if (auto refused = check_head(facts, core_.is_private())) {
    refuse_waiting(std::move(*refused));
    return;
  }
  // Nobody needs the body, but the next request comes behind it.
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](error_code error, std::size_t) {
                     self->on_request(error);
                   });
}

void http_connection::on_request(error_code err) {
  if (err) {
    reject(err);
    return;
  }
  const auto& head = parser_->get();
  stays_ = parser_->keep_alive() && !core_.closing();
  http_request what;
  what.method = head.method_string().to_string();
  what.authorization = head[http::field::authorization].to_string();
  what.last_event_id = head["Last-Event-ID"].to_string();
  if (const auto client = socket_.remote_endpoint(err); !err)
    what.client = client.address().to_string();
  what.takes_gzip = accepts_gzip(to_std(head[http::field::accept_encoding]));
  static_cast<void>(parse_target(to_std(head.target()), what));
  enter(state::working, clock::duration::max());
  core_.serve(shared_from_this(), what);
}

void http_connection::reject(error_code err) {
  if (!socket_.is_open())
    return;
  if (err == http::error::header_limit || err == http::error::buffer_overflow)
    refuse_waiting(refusal(431, "the head of the request is too long"));
  else if (err == http::error::body_limit)
    refuse_waiting(
      refusal(413, "the body of the request is too long; none is needed"));
  else if (err.category()
             == http::make_error_code(http::error::bad_method).category()
           && err != http::error::end_of_stream
           && err != http::error::partial_message)
    refuse_waiting(refusal(400, "this is no request that could be understood"));
  else
    close();
}

// -- the answer ----------------------------------------------------------------

void http_connection::refuse_waiting(http_answer what) {
  stays_ = false;
  send(std::move(what));
}

void http_connection::send(http_answer what) {
  if (!socket_.is_open())
    return;
  parser_.reset();
  stays_ = stays_ && !core_.closing();
  if (what.stream && !is_head_ && !core_.take_stream()) {
    what = refusal(503, "there are " + std::to_string(core_.max_streams())
                          + " readers of the events already; ask again later");
    what.headers.emplace_back("Retry-After", "5");
  }
  if (what.stream) {
    // The end of a stream is that of its connection.
    stays_ = stays_ && is_head_ && !is_http_1_0_;
    auto head = head_of(what, stays_, !is_http_1_0_);
    if (is_head_)
      write(std::move(head));
    else
      begin_stream(*what.stream, std::move(head));
    return;
  }
  auto text = head_of(what, stays_, false);
  if (!is_head_)
    text += what.body;
  write(std::move(text));
}

void http_connection::write(std::string what) {
  const auto before = out_.size() - written_;
  out_ = std::move(what);
  written_ = 0;
  // It may be that this one is closed to make room for others.
  enter(state::writing, http_server::client_limit);
  core_.owe(out_.size(), before);
  write_more();
}

void http_connection::write_more() {
  if (!socket_.is_open())
    return;
  deadline_ = clock::now()
              + (core_.closing() ? clock::duration{leave_limit}
                                 : clock::duration{http_server::client_limit});
  socket_.async_write_some(
    asio::buffer(out_.data() + written_, out_.size() - written_),
    [self = shared_from_this()](error_code err, std::size_t n) {
      if (err || !self->socket_.is_open()) {
        self->close();
        return;
      }
      self->written_ += n;
      self->core_.owe(0, n);
      if (self->written_ < self->out_.size())
        self->write_more();
      else
        self->on_written();
    });
}

void http_connection::on_written() {
  out_ = {};
  written_ = 0;
  if (is_stream_ && !ended_) {
    enter(state::streaming, clock::duration::max());
    pump();
  } else if (stays_ && !is_stream_ && !core_.closing()) {
    start();
  } else {
    leave();
  }
}

void http_connection::leave() {
  // A client that is sent away in the middle of a request would lose the answer
  // if the connection were closed before it has read that.
  enter(state::leaving, leave_limit);
  rest_limit_ = most_rest;
  error_code ignored;
  std::ignore = socket_.shutdown(core::tcp::socket::shutdown_send, ignored);
  if (!is_stream_) // There somebody reads already.
    read_rest();
}

void http_connection::read_rest() {
  socket_.async_read_some(asio::buffer(rest_),
                          [self = shared_from_this()](error_code err,
                                                      std::size_t n) {
                            if (err || n >= self->rest_limit_) {
                              self->close();
                              return;
                            }
                            self->rest_limit_ -= n;
                            self->read_rest();
                          });
}

// -- streams -------------------------------------------------------------------

std::string http_connection::as_chunk(const std::string& text) const {
  if (is_http_1_0_)
    return text;
  std::array<char, 16> length{};
  const auto [end, err] = std::to_chars(length.begin(), length.end(),
                                        text.size(), 16);
  static_cast<void>(err);
  return std::string{length.begin(), end} + "\r\n" + text + "\r\n";
}

void http_connection::begin_stream(const stream_request& what,
                                   std::string head) {
  is_stream_ = true;
  stream_ = what;
  const auto batch = core_.events().read(stream_.after);
  stream_.after = batch.last;
  auto text = to_stream(batch, stream_.under);
  if (text.empty())
    text = ":\n\n";
  write(std::move(head) + as_chunk("retry: 1000\n\n" + text));
  // A reader says nothing more: it has gone.
  socket_.async_read_some(asio::buffer(rest_),
                          [self = shared_from_this()](error_code, std::size_t) {
                            self->close();
                          });
}

void http_connection::pump() {
  if (state_ != state::streaming)
    return;
  const auto batch = core_.events().read(stream_.after);
  stream_.after = batch.last;
  auto text = to_stream(batch, stream_.under);
  if (core_.closing()) {
    ended_ = true;
    text = (text.empty() ? text : as_chunk(text))
           + (is_http_1_0_ ? "" : "0\r\n\r\n");
    if (text.empty())
      leave();
    else
      write(std::move(text));
  } else if (!text.empty()) {
    write(as_chunk(text));
  }
}

} // namespace troupe::observing
