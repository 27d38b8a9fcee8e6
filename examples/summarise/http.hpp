// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace summarise {

struct http_options {
  std::chrono::milliseconds connect_timeout{10'000};

  /// How long the other side may be silent. A day at most.
  std::chrono::milliseconds silence_timeout{60'000};

  /// Whether the proxies of the environment are used (`https_proxy` and so on).
  bool use_proxy = true;
};

struct http_request {
  std::string url;

  /// Lines of the form "name: value".
  std::vector<std::string> headers;

  std::string body;
};

struct http_reply {
  enum class end {
    /// The whole answer is there.
    complete,
    /// The reader of the body had enough.
    enough,
    /// It was not wanted any more.
    interrupted,
    /// No connection, a broken one, or silence for too long; see `error`.
    broken,
    /// It will not work the next time either: a URL that is none, a server
    /// whose certificate is not trusted; see `error`.
    impossible,
  };

  end how = end::broken;

  /// What went wrong, for people; empty unless `how` is one of the last two.
  std::string error;

  /// 0 if there was no answer at all.
  int status = 0;

  std::string content_type;
  std::optional<std::string> retry_after;

  /// The body, unless it was streamed; not more than its first 64 KiB.
  std::string body;
};

/// An HTTP client that streams what it receives. One object is one connection,
/// which is kept open between requests; it may be used by any thread, but by
/// one at a time. It leaves the process alone: no signals, no signal handlers.
class http_client {
public:
  /// Takes the next piece of the body; returns `false` if it has had enough.
  using reader = std::function<bool(std::string_view)>;

  explicit http_client(http_options options = {});

  ~http_client();

  http_client(http_client&&) noexcept;

  http_client& operator=(http_client&&) noexcept;

  /// Sends a POST request and waits for the end of its answer.
  /// @param on_body Gets the body of an event stream with status 200. Any other
  ///                body is in the reply. What it throws ends the transfer and
  ///                is thrown here.
  /// @param until Ends the transfer at once.
  http_reply post(const http_request& request, const reader& on_body,
                  const std::stop_token& until);

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

} // namespace summarise
