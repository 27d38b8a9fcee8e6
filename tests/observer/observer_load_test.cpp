// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// An observer whose clients are many, or slow, or both.

#include "support/observer_scene.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/resource.h>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::raw_connection;
using support::scene;
using support::slow;
using support::token;
using support::tree;
using troupe::supervisor_spec;

namespace {

/// Both ends of each connection are files of this process.
std::size_t connections_that_fit(std::size_t wanted) {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * wanted + 200);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return std::min<std::size_t>(wanted, (limit.rlim_cur - 200) / 2);
}

/// An orchestrator asks so many times, on a connection of its own each.
void check_probes(scene& it, int times) {
  for (int i = 0; i < times; ++i) {
    raw_connection probe{it.observer_.port()};
    probe.say("GET /healthz HTTP/1.0\r\n\r\n");
    CHECK_THAT(probe.all(), ContainsSubstring("200 OK"));
  }
}

} // namespace

TEST_CASE("a thousand slow clients keep no probe waiting") {
  const auto count = connections_that_fit(1000);
  scene it;
  std::vector<std::unique_ptr<raw_connection>> clients;
  const std::string kinds[] = {
    "",
    "GET /status.json HT",
    "GET /status.json HTTP/1.1\r\nHost: localhost\r\nX: ",
    "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  };
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<raw_connection>(it.observer_.port()));
    static_cast<void>(clients.back()->try_to_say(kinds[i % std::size(kinds)]));
  }
  check_probes(it, 100);
}

TEST_CASE("changes that take long keep nobody else waiting") {
  std::binary_semaphore may_start{1};
  std::counting_semaphore<1> may_stop{0};
  scene it{{.token = token}};
  supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow", {}, std::ref(may_start), std::ref(may_stop));
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  std::vector<std::unique_ptr<raw_connection>> callers;
  for (int i = 0; i < 50; ++i) {
    callers.push_back(std::make_unique<raw_connection>(it.observer_.port()));
    callers.back()->say("POST /children/tree/slow/stop HTTP/1.1\r\nHost: "
                        "localhost\r\nConnection: close\r\nAuthorization: "
                        "Bearer "
                        + token + "\r\n\r\n");
  }
  check_probes(it, 10);
  CHECK(it.get("/status.json")->status == 200);
  CHECK(it.get("/")->status == 200);
  may_stop.release();
  for (auto& x : callers)
    CHECK_THAT(x->all(), ContainsSubstring("HTTP/1.1 200 OK"));
  root.shutdown();
}

TEST_CASE("more of them than can wait are sent away") {
  std::binary_semaphore may_start{1};
  std::counting_semaphore<1> may_stop{0};
  scene it{{.token = token}};
  supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow", {}, std::ref(may_start), std::ref(may_stop));
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  std::vector<std::unique_ptr<raw_connection>> callers;
  std::vector<pollfd> waiting;
  for (int i = 0; i < 200; ++i) {
    callers.push_back(std::make_unique<raw_connection>(it.observer_.port()));
    callers.back()->say("POST /children/tree/slow/stop HTTP/1.1\r\nHost: "
                        "localhost\r\nAuthorization: Bearer "
                        + token + "\r\n\r\n");
    waiting.push_back({callers.back()->socket(), POLLIN, 0});
  }
  // 16 are at work, and 128 wait; none of them is answered.
  while (::poll(waiting.data(), waiting.size(), -1) < 200 - 16 - 128)
    std::this_thread::yield();
  const auto first = std::find_if(waiting.begin(), waiting.end(),
                                  [](auto& x) { return x.revents != 0; });
  const auto refused
    = callers[static_cast<std::size_t>(first - waiting.begin())]->some();
  CHECK_THAT(refused, ContainsSubstring("503 Service Unavailable"));
  CHECK_THAT(refused, ContainsSubstring("Retry-After: 1"));
  check_probes(it, 10);
  may_stop.release();
  callers.clear();
  root.shutdown();
}
