// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/observer_scene.hpp"
#include "troupe/event_log.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::fragile;
using support::raw_connection;
using support::reader;
using support::scene;
using support::sleeper;
using support::tree;
using troupe::observer;
using troupe::observer_options;

TEST_CASE("S28 a stream takes its connection with it, and says so") {
  std::string text;
  {
    scene it;
    raw_connection client{it.observer_.port()};
    client.say("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (text.find("\r\n\r\n") == std::string::npos)
      text += client.some();
  }
  CHECK_THAT(text, ContainsSubstring("Connection: close\r\n"));
  CHECK_THAT(text, !ContainsSubstring("Keep-Alive"));
}

TEST_CASE("S28 an observer tells what happens as it happens") {
  scene it;
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  reader all{it.observer_.port(), "/events?since=0"};
  all.wait_for(R"("kind":"ready","path":"/tree")");
  reader below{it.observer_.port(), "/events?under=/tree/fragile"};
  below.wait_for("retry:");
  (*troupe::lookup<fragile>(it.sys, "/tree/fragile")).send(-1);
  all.wait_for(R"("kind":"failed","path":"/tree/fragile","incarnation":1)");
  all.wait_for(R"("reason":"broken")");
  below.wait_for(R"("kind":"ready","path":"/tree/fragile","incarnation":2)");
  CHECK_THAT(below.text(), !ContainsSubstring("/tree/sleeper"));
  root.shutdown();
  all.wait_for(R"("kind":"stopped","path":"/tree")");
  SECTION("and goes on where somebody has stopped") {
    auto last = it.status()["last_event"].get<int>();
    httplib::Headers headers{{"Last-Event-ID", std::to_string(last - 1)}};
    std::string text;
    it.client.Get("/events", headers, [&text](const char* data, size_t n) {
      text.append(data, n);
      return text.find("id: ") == std::string::npos;
    });
    CHECK_THAT(text, ContainsSubstring("id: " + std::to_string(last) + "\n"));
    CHECK_THAT(text,
               !ContainsSubstring("id: " + std::to_string(last - 1) + "\n"));
  }
  SECTION("unless that is nonsense") {
    CHECK(it.get("/events?since=x")->status == 400);
    CHECK(it.client.Get("/events", {{"Last-Event-ID", "-1"}})->status == 400);
  }
}

TEST_CASE("S28 streams are bounded, and end with the observer") {
  auto it = std::make_unique<scene>(observer_options{.max_streams = 2});
  reader first{it->observer_.port(), "/events"};
  first.wait_for("retry:");
  {
    reader second{it->observer_.port(), "/events"};
    second.wait_for("retry:");
    auto third = it->get("/events");
    REQUIRE(third);
    CHECK(third->status == 503);
    CHECK(third->get_header_value("Retry-After") == "5");
    CHECK(it->observer_.streams() == 2);
    // The others are served all the same.
    CHECK(it->get("/healthz")->status == 200);
  }
  it.reset();
  first.wait_for_end();
  CHECK_THAT(first.text(), ContainsSubstring("200 OK"));
}

TEST_CASE("S28 a hundred readers are served") {
  scene it;
  std::vector<std::unique_ptr<reader>> readers;
  for (int i = 0; i < 100; ++i) {
    readers.push_back(std::make_unique<reader>(it.observer_.port(), "/events"));
    readers.back()->wait_for("retry:");
  }
  CHECK(it.get("/events")->status == 503);
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  for (auto& x : readers)
    x->wait_for(R"("kind":"ready","path":"/tree")");
  root.shutdown();
}

TEST_CASE("S28 who reads nothing is cut off, and slows nobody") {
  scene it;
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  raw_connection lazy{it.observer_.port()};
  lazy.say("GET /events?since=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto ref = *troupe::lookup<fragile>(it.sys, "/tree/fragile");
  reader eager{it.observer_.port(), "/events"};
  eager.wait_for("retry:");
  // More than all buffers hold; the ring forgets it.
  troupe::event_log log{root, 16};
  for (int i = 2; i < 5; ++i) {
    ref.send(-1);
    CHECK(log.wait_for(troupe::event_kind::ready, "/tree/fragile",
                       static_cast<std::uint64_t>(i), 30s));
  }
  eager.wait_for(R"("kind":"ready","path":"/tree/fragile","incarnation":4)");
  root.shutdown();
}

TEST_CASE("S28 observers come and go while there are events") {
  support::real_system sys;
  std::jthread restless{[&sys](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto ref = troupe::spawn<sleeper>(sys);
      ref.startup();
      ref.shutdown();
    }
  }};
  for (int i = 0; i < 50; ++i)
    observer it{sys, {.port = 0}};
}
