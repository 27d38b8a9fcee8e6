// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/raw_connection.hpp"
#include "support/real_system.hpp"
#include "troupe/observer.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"

#include <catch2/catch_test_macros.hpp>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>

namespace support {

inline const std::string token = "0123456789abcdef";

inline const httplib::Headers with_token{{"Authorization", "Bearer " + token}};

class sleeper : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }

  troupe::status_fields describe() override {
    return {{"dreams", "<b>of sheep</b>"}};
  }
};

/// Fails when it gets a message.
class fragile : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      if (*x < 0)
        throw std::runtime_error{"broken"};
  }
};

/// Starts and stops when it may.
class slow : public troupe::worker {
public:
  slow(std::binary_semaphore& start, std::binary_semaphore& stop)
    : start_(start), stop_(stop) {
    // nop
  }

  troupe::task<> on_startup() override {
    auto waiting = offload([this] { start_.acquire(); });
    co_await std::move(waiting);
  }

  troupe::task<> run() override {
    co_await stop_requested();
    auto waiting = offload([this] { stop_.acquire(); });
    co_await std::move(waiting);
  }

private:
  std::binary_semaphore& start_;
  std::binary_semaphore& stop_;
};

inline troupe::supervisor_spec tree() {
  troupe::supervisor_spec result{.name = "tree"};
  result.add<sleeper>("sleeper");
  result.add<fragile>("fragile");
  return result;
}

/// An actor system with an observer, and somebody who looks.
struct scene {
  explicit scene(troupe::observer_options options = {})
    : observer_(sys, with_any_port(std::move(options))),
      client("127.0.0.1", observer_.port()) {
    client.set_read_timeout(std::chrono::seconds{30});
  }

  static troupe::observer_options with_any_port(troupe::observer_options x) {
    x.port = 0;
    return x;
  }

  httplib::Result get(const std::string& path) {
    return client.Get(path);
  }

  nlohmann::json status(const std::string& query = "") {
    auto answer = get("/status.json" + query);
    REQUIRE(answer);
    REQUIRE(answer->status == 200);
    return nlohmann::json::parse(answer->body);
  }

  real_system sys;
  troupe::observer observer_;
  httplib::Client client;
};

/// Reads a stream of events on a thread of its own.
class reader {
public:
  reader(std::uint16_t port, const std::string& path)
    : connection_(port), thread_([this] { read(); }) {
    connection_.say("GET " + path
                    + " HTTP/1.1\r\nHost: localhost\r\nConnection: "
                      "close\r\n\r\n");
  }

  ~reader() {
    connection_.hang_up();
  }

  /// Waits until the stream has said that.
  void wait_for(const std::string& words) {
    std::unique_lock guard{mtx_};
    more_.wait(guard, [&] { return text_.find(words) != std::string::npos; });
  }

  /// Waits until the other side has ended it.
  void wait_for_end() {
    std::unique_lock guard{mtx_};
    more_.wait(guard, [&] { return over_; });
  }

  std::string text() {
    std::unique_lock guard{mtx_};
    return text_;
  }

private:
  void read() {
    for (auto more = connection_.some(); !more.empty();
         more = connection_.some()) {
      std::unique_lock guard{mtx_};
      text_ += more;
      more_.notify_all();
    }
    std::unique_lock guard{mtx_};
    over_ = true;
    more_.notify_all();
  }

  std::mutex mtx_;
  std::condition_variable more_;
  std::string text_;
  bool over_ = false;
  raw_connection connection_;
  std::jthread thread_;
};

} // namespace support
