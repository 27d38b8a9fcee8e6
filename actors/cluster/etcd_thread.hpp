// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::cluster {

/// The answer to a request, or why there is none.
struct http_answer {
  long status = 0;
  std::string body;
  std::string error; // of the connection

  [[nodiscard]] bool ok() const noexcept {
    return error.empty() && status == 200;
  }
};

/// The thread of a node that talks to etcd: it makes the requests, and keeps
/// the watch. It waits in `curl_multi_poll`, and is woken for a new request; it
/// is the only one that touches libcurl's handles.
class etcd_thread {
public:
  /// @param within How long a request may take.
  etcd_thread(std::vector<std::string> endpoints, timespan within);

  etcd_thread(const etcd_thread&) = delete;

  etcd_thread& operator=(const etcd_thread&) = delete;

  ~etcd_thread();

  /// How long a last request is waited for.
  static constexpr timespan farewell = std::chrono::seconds{1};

  // -- any thread -------------------------------------------------------------

  /// Sends a request; `to` is called on the thread, unless that is told to end
  /// before.
  /// @param last Whether it is sent even so.
  void post(std::string path, std::string body,
            std::function<void(const http_answer&)> to, bool last = false);

  /// Keeps a watch, from now on: `changed` is called for each piece of news,
  /// and whenever the watch has begun anew.
  void watch(std::string body, std::function<void()> changed);

  /// Has the thread end, once the last requests are answered, or after
  /// `farewell`.
  void stop();

  // -- its thread -------------------------------------------------------------

  void run();

private:
  using clock = std::chrono::steady_clock;

  struct transfer;

  void begin(transfer& x);

  void begin_watch();

  void end(CURL* which, CURLcode how);

  /// Asks another endpoint from now on.
  void turn_away(std::size_t from);

  [[nodiscard]] bool over();

  static std::size_t take(char* data, std::size_t size, std::size_t count,
                          void* to);

  const std::vector<std::string> endpoints_;
  const timespan within_;
  CURLM* multi_;
  curl_slist* headers_ = nullptr;

  std::mutex mtx_;
  std::deque<std::unique_ptr<transfer>> fresh_;
  std::string watch_body_;
  std::function<void()> changed_;
  bool stopped_ = false;

  // Those of the thread.
  std::list<std::unique_ptr<transfer>> active_;
  std::unique_ptr<transfer> watch_;
  clock::time_point watch_at_{};
  clock::time_point leave_at_ = clock::time_point::max();
  std::size_t endpoint_ = 0;
};

} // namespace troupe::cluster
