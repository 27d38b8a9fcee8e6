// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/guard.hpp"
#include "observer/http_core.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace troupe::observing {

/// One connection of a server: a request after another, each read as a whole
/// before it is served, and its answer written before the next one is read.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  using core = http_server::core;
  using clock = core::clock;

  http_connection(core& of, core::tcp::socket socket);

  http_connection(const http_connection&) = delete;

  http_connection& operator=(const http_connection&) = delete;

  /// Waits for a request.
  void start();

  /// Answers the request.
  void send(http_answer what);

  /// Writes the events that are new, if this is a stream that writes nothing.
  void pump();

  /// The server ends: an answer under way is written, a stream is ended.
  void end();

  void close() noexcept;

  /// Looks whether its time is over, or it has been silent for long.
  void check(clock::time_point now);

  /// Whether it waits for its client, so that it may be closed for others.
  [[nodiscard]] bool waits_for_client() const noexcept {
    return state_ != state::working && state_ != state::streaming;
  }

  /// Whether its request is not answered yet.
  [[nodiscard]] bool is_working() const noexcept {
    return state_ == state::working;
  }

  /// Since when it is in its state.
  [[nodiscard]] clock::time_point since() const noexcept {
    return since_;
  }

private:
  using error_code = boost::system::error_code;
  using request_parser
    = boost::beast::http::request_parser<boost::beast::http::string_body>;

  enum class state {
    waiting,   // for a request
    reading,   // a request
    working,   // somebody else finds the answer
    writing,   // the answer
    streaming, // events, until one of both sides ends
    leaving,   // all is said; the client may not have read it yet
  };

  void enter(state x, clock::duration limit);

  void read_head();

  void on_head(error_code err);

  void on_request(error_code err);

  /// Answers what is no request.
  void reject(error_code err);

  /// Answers, and closes the connection: nobody knows where the next request
  /// begins.
  void refuse_waiting(http_answer what);

  void write(std::string what);

  void write_more();

  void on_written();

  void begin_stream(const stream_request& what, std::string head);

  [[nodiscard]] std::string as_chunk(const std::string& text) const;

  void leave();

  void read_rest();

  core& core_;
  core::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  std::optional<request_parser> parser_;
  state state_ = state::waiting;
  clock::time_point since_;
  clock::time_point deadline_;

  // Of the request that is answered.
  bool is_head_ = false;
  bool is_http_1_0_ = false;
  bool stays_ = false;

  std::string out_;
  std::size_t written_ = 0;

  // Of a stream.
  stream_request stream_;
  bool is_stream_ = false;
  bool ended_ = false;

  std::array<char, 1024> rest_{};
  std::size_t rest_limit_ = 0;
};

} // namespace troupe::observing
