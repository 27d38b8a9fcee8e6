// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/payloads.hpp"
#include "durable/places.hpp"
#include "support/real_system.hpp"

#include "troupe/durable.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <latch>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Where the tests of durable workers take place.
namespace office_room {

using namespace std::chrono_literals;
using namespace troupe::durable;

using troupe::task;

/// The entries that the handlers of a test write, and its test waits for.
class diary {
public:
  void note(const std::string& line) {
    std::unique_lock guard{mtx_};
    lines_.push_back(line);
    changed_.notify_all();
  }

  /// Waits until there are so many lines.
  std::vector<std::string> lines(std::size_t n) {
    std::unique_lock guard{mtx_};
    changed_.wait(guard, [&] { return lines_.size() >= n; });
    return lines_;
  }

  [[nodiscard]] std::vector<std::string> lines() {
    return lines(0);
  }

private:
  std::mutex mtx_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// Does with each job what the test says.
class clerk : public worker<letter> {
public:
  using handler = std::function<task<>(clerk&, const letter&, job&)>;
  using judge = std::function<troupe::on_error(const letter&)>;

  clerk(queue<letter> source, const options& how, handler f, judge g = {})
    : worker(std::move(source), how),
      handle_(std::move(f)),
      judge_(std::move(g)) {
    // nop
  }

  task<> handle(const letter& x, job& what) override {
    auto call = handle_(*this, x, what);
    co_await std::move(call);
  }

  troupe::on_error policy_for(const letter& x, const std::exception_ptr& thrown,
                              int failures) override {
    return judge_ ? judge_(x) : worker::policy_for(x, thrown, failures);
  }

  using worker::sleep_for;
  using worker::stop_requested;

private:
  handler handle_;
  judge judge_;
};

/// An actor system with a store in a new place.
template <class Place>
class basic_office : private payload_types {
public:
  store open() {
    return troupe::durable::open(system, place.url(),
                                 {.durability = Place::kept});
  }

  auto hire(const options& how, clerk::handler f, clerk::judge g = {}) {
    return troupe::spawn<clerk>(system,
                                {.name = "clerk", .stopping_grace_period = 5s},
                                jobs.queue<letter>("mail"), how, std::move(f),
                                std::move(g));
  }

  [[nodiscard]] queue<letter> mail() const {
    return jobs.queue<letter>("mail");
  }

  receipt put(const std::string& to, put_options how = {}) {
    auto result = jobs.queue<letter>("mail").put({.to = to}, std::move(how));
    REQUIRE(result);
    return *result;
  }

  queue_totals count() {
    auto result = jobs.count("mail");
    REQUIRE(result);
    return *result;
  }

  std::vector<job_record> list() {
    auto result = jobs.list();
    REQUIRE(result);
    return *result;
  }

  /// Changes the database as another program would.
  void execute(const std::string& sql) {
    typename Place::user{place}.execute(sql);
  }

  Place place;
  support::real_system system{2};
  store jobs = open();
  diary notes;
};

/// Blocks until the claim is lost.
inline void wait_for(const std::stop_token& token) {
  std::latch lost{1};
  std::stop_callback tell{token, [&] { lost.count_down(); }};
  lost.wait();
}

inline const options quick{.backoff = {.initial = 1ms, .max = 1ms}};

} // namespace office_room
