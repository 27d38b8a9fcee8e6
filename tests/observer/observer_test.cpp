// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/observer_scene.hpp"
#include "support/stuck.hpp"
#include "support/trap.hpp"
#include "troupe/event_log.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using support::fragile;
using support::scene;
using support::sleeper;
using support::slow;
using support::token;
using support::tree;
using troupe::observer;
using troupe::supervisor_spec;

TEST_CASE("S29 an observer shows what there is") {
  scene it;
  CHECK(it.observer_.url()
        == "http://127.0.0.1:" + std::to_string(it.observer_.port()) + "/");
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  SECTION("as JSON") {
    auto doc = it.status();
    CHECK(doc["schema"] == 1);
    CHECK(doc["ready"] == true);
    CHECK(doc["controls"] == false);
    CHECK(doc["at"] > 1.7e9);
    auto& children = doc["trees"][0]["children"];
    REQUIRE(children.size() == 2);
    CHECK(children[0]["path"] == "/tree/sleeper");
    CHECK(children[0]["fields"]["dreams"] == "<b>of sheep</b>");
    CHECK_FALSE(children[0].contains("queue"));
    CHECK(children[1]["queue"]["queued"] == 0);
  }
  SECTION("a part of it") {
    CHECK(it.status("?path=/tree/sleeper")["trees"][0]["name"] == "sleeper");
    CHECK_FALSE(it.status("?depth=1")["trees"][0].contains("children"));
    CHECK(it.get("/status.json?path=/nobody")->status == 404);
    for (auto bad : {"x", "0", "-1", "1x", "99999999999999999999999"})
      CHECK(it.get(std::string{"/status.json?depth="} + bad)->status == 400);
  }
  SECTION("as text, for Graphviz, as a page that runs its own code only") {
    CHECK_THAT(it.get("/status.txt")->body,
               ContainsSubstring("├─● sleeper  running, ready"));
    CHECK_THAT(it.get("/status.dot")->body, ContainsSubstring("digraph"));
    auto page = it.get("/");
    CHECK_THAT(page->body, ContainsSubstring("<!DOCTYPE html>"));
    CHECK_THAT(page->get_header_value("Content-Type"),
               ContainsSubstring("text/html"));
    CHECK_THAT(page->get_header_value("Content-Security-Policy"),
               ContainsSubstring("script-src 'nonce-"));
    CHECK_THAT(page->get_header_value("Content-Security-Policy"),
               !ContainsSubstring("unsafe"));
    CHECK(it.get("/")->body != page->body);
  }
  root.shutdown();
}

TEST_CASE("S29 an observer shows who does not answer") {
  support::trap trap;
  scene it{{.patience = 100ms}};
  supervisor_spec spec{.name = "tree"};
  spec.add<support::stuck>("stuck", {.restart = troupe::restart::temporary},
                           std::ref(trap));
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  trap.await();
  auto child = [&it] { return it.status()["trees"][0]["children"][0]; };
  auto stuck = child();
  while (stuck.contains("overlooked")) // on a busy machine
    stuck = child();
  CHECK(stuck["answering"] == false);
  trap.open();
  root.shutdown();
}

TEST_CASE("S29 an orchestrator learns when it is ready, and alive") {
  scene it;
  CHECK(it.get("/readyz")->status == 503);
  CHECK(it.get("/readyz")->body == "nothing was started\n");
  CHECK(it.get("/healthz")->status == 200);
  std::binary_semaphore may_start{0};
  std::binary_semaphore may_stop{0};
  supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow", {}, std::ref(may_start), std::ref(may_stop));
  auto root = troupe::spawn(it.sys, spec);
  troupe::event_log log{root};
  root.start();
  CHECK(it.get("/readyz")->status == 503);
  may_start.release();
  REQUIRE(log.wait_for(troupe::event_kind::ready, "/tree", 30s));
  CHECK(it.get("/readyz")->status == 200);
  CHECK(it.get("/healthz")->body == "ok\n");
  // From the first moment of a stop, before any of it has stopped.
  root.gracefully_stop();
  CHECK(it.get("/readyz")->body == "/tree is stopping\n");
  CHECK(it.get("/healthz")->status == 200);
  auto doc = it.status();
  CHECK(doc["ready"] == false);
  REQUIRE(doc["stopping"].is_object());
  may_stop.release();
  root.wait_for_shutdown();
  CHECK(it.get("/readyz")->body == "/tree has ended\n");
  CHECK(it.get("/healthz")->status == 200);
}

TEST_CASE("S29 a supervisor that has given up is not alive") {
  scene it;
  supervisor_spec spec{.name = "tree", .intensity = {.max_restarts = 0}};
  spec.add<fragile>("fragile");
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  (*troupe::lookup<fragile>(it.sys, "/tree/fragile")).send(-1);
  root.wait_for_shutdown();
  auto answer = it.get("/healthz");
  CHECK(answer->status == 503);
  CHECK_THAT(answer->body, ContainsSubstring("/tree has failed: "));
}

TEST_CASE("S29 how a tree has ended is shown when nobody holds it any more") {
  scene it;
  {
    supervisor_spec spec{.name = "tree", .intensity = {.max_restarts = 0}};
    spec.add<fragile>("fragile");
    auto root = troupe::spawn(it.sys, spec);
    root.startup();
    (*troupe::lookup<fragile>(it.sys, "/tree/fragile")).send(-1);
    root.wait_for_shutdown();
  }
  // At once: it does not wait until somebody has delivered its events.
  CHECK(it.get("/healthz")->status == 503);
  CHECK(it.get("/readyz")->body == "/tree has ended\n");
  CHECK_THAT(it.get("/status.txt")->body,
             ContainsSubstring("× /tree  stopped, done  last end: failed: "));
  SECTION("until there is another one of its name") {
    auto root = troupe::spawn(it.sys, tree());
    root.startup();
    CHECK(it.get("/healthz")->status == 200);
    CHECK(it.get("/readyz")->status == 200);
    root.shutdown();
  }
}

TEST_CASE("S29 the end of a tree that is older than the observer is shown") {
  support::real_system sys;
  auto root = troupe::spawn(sys, tree());
  root.startup();
  troupe::observer late{sys, {.port = 0}};
  root.shutdown();
  root = {};
  auto answer = httplib::Client{"127.0.0.1", late.port()}.Get("/readyz");
  REQUIRE(answer);
  CHECK(answer->body == "/tree has ended\n");
}

TEST_CASE("an observer that cannot listen says so") {
  scene it;
  auto taken = it.observer_.port();
  try {
    observer other{it.sys, {.port = taken}};
    FAIL("two observers on one port");
  } catch (const std::system_error& e) {
    CHECK_THAT(e.what(),
               ContainsSubstring("127.0.0.1 port " + std::to_string(taken)));
  }
  CHECK_THROWS_AS(observer(it.sys, {.address = "no such address", .port = 0}),
                  std::system_error);
}

TEST_CASE("S1 options of an observer that make no sense are refused") {
  support::real_system sys;
  CHECK_THROWS_AS(observer(sys, {.port = 0, .token = "short"}),
                  std::invalid_argument);
  CHECK_THROWS_AS(observer(sys, {.port = 0, .max_streams = SIZE_MAX}),
                  std::invalid_argument);
  CHECK_THROWS_AS(observer(sys, {.port = 0, .kept_events = 0}),
                  std::invalid_argument);
  CHECK_THROWS_AS(observer(sys, {.port = 0, .patience = -1s}),
                  std::invalid_argument);
  CHECK_THROWS_AS(observer(sys,
                           {.port = 0, .metrics = {.sampling_interval = 0s}}),
                  std::invalid_argument);
}

TEST_CASE("S1 the port and the token of an observer are settings") {
  SECTION("good ones") {
    support::real_system sys{[](support::real_config& cfg) {
      cfg.set("troupe.observer.port", 0);
      cfg.set("troupe.observer.token", token);
    }};
    observer it{sys};
    httplib::Client client{"127.0.0.1", it.port()};
    auto answer = client.Get("/status.json");
    REQUIRE(answer);
    CHECK(json::parse(answer->body)["controls"] == true);
  }
  SECTION("a bad one") {
    support::real_system sys;
    ::setenv("TROUPE_OBSERVER_PORT", "70000", 1);
    CHECK_THROWS_AS(observer(sys), std::invalid_argument);
    ::unsetenv("TROUPE_OBSERVER_PORT");
  }
}
