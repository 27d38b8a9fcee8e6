// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/plain_caf.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/expected.hpp>
#include <caf/result.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

using namespace std::chrono_literals;
using troupe::task;
using testing_system = troupe::testing::system;

/// The answer to a request, or the error.
template <class T>
struct answer {
  std::optional<T> value;
  caf::error error;
};

/// Requests that a plain CAF actor has sent and not yet looked at.
class client {
public:
  explicit client(testing_system& sys) : sys_(sys), self_(sys.sys()) {
    // nop
  }

  template <class T, class... Ts>
  answer<T> ask(const caf::actor& target, Ts... xs) {
    answer<T> result;
    auto response = support::request(self_, target, troupe::infinite,
                                     std::move(xs)...);
    sys_.await_mail(self_);
    std::move(response).receive([&](T& x) { result.value = std::move(x); },
                                [&](caf::error& x) { result.error = x; });
    return result;
  }

  template <class... Ts>
  answer<bool> ask_void(const caf::actor& target, Ts... xs) {
    answer<bool> result;
    auto response = support::request(self_, target, troupe::infinite,
                                     std::move(xs)...);
    sys_.await_mail(self_);
    std::move(response).receive([&] { result.value = true; },
                                [&](caf::error& x) { result.error = x; });
    return result;
  }

  caf::scoped_actor& self() noexcept {
    return self_;
  }

private:
  testing_system& sys_;
  caf::scoped_actor self_;
};

/// Longer than what a std::string keeps inside of itself.
inline const std::string long_text
  = "a text that does not fit into the string object";

/// Answers in all ways in which a handler can.
class clerk : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      // plain
      [this](const std::string& x) {
        log.push_back(x);
        return x + "!";
      },
      [this](bool) { log.push_back("bool"); },
      [](int8_t x) -> caf::result<int8_t> {
        if (x < 0)
          return caf::make_error(caf::sec::invalid_argument, "below zero");
        return x;
      },
      [](int16_t x) -> caf::expected<int16_t> {
        if (x < 0)
          return caf::make_error(caf::sec::invalid_argument, "below zero");
        return x;
      },
      // coroutines
      [this](int32_t x) -> task<int32_t> {
        co_await sleep_for(1s);
        co_return x * 2;
      },
      [this](std::string who, int32_t n) -> task<std::string> {
        // The message is gone while this waits; the copy is not.
        for (int32_t i = 0; i < n; ++i)
          co_await sleep_for(1s);
        log.push_back(who);
        co_return who + long_text;
      },
      [this](int64_t x) -> task<> {
        co_await sleep_for(1s);
        log.push_back(std::to_string(x));
      },
      [this](double) -> task<int32_t> {
        co_await sleep_for(1s);
        throw std::runtime_error("later");
      },
      [](float) -> int32_t { throw std::runtime_error("at once"); },
      [](uint8_t) { throw 42; },
      [this](uint16_t) { finish(); },
      [this](uint32_t) {
        fail(caf::make_error(caf::sec::runtime_error, "no more of this"));
      },
      [this](uint64_t) -> task<int32_t> {
        co_await sleep_for(1s);
        fail(caf::make_error(caf::sec::runtime_error, "no more of this"));
        co_return 1;
      },
      [this](int32_t, int32_t) -> task<int32_t> {
        co_await sleep_for(1s);
        finish();
        co_return 1;
      },
    };
  }

  task<> run() override {
    log.push_back("run");
    struct note {
      std::vector<std::string>& log;
      ~note() {
        log.push_back("run gone");
      }
    };
    note on_end{log};
    co_await stop_requested();
    log.push_back("run returns");
  }

  task<> on_shutdown() override {
    log.push_back("on_shutdown");
    co_return;
  }

  std::vector<std::string> log;
};

} // namespace support
