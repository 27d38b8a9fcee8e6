// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/observer_scene.hpp"
#include "troupe/event_log.hpp"

#include <caf/exit_reason.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
#include <semaphore>
#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::fragile;
using support::raw_connection;
using support::reader;
using support::scene;
using support::sleeper;
using support::slow;
using support::token;
using support::tree;
using support::with_token;
using troupe::supervisor_spec;

TEST_CASE("S19 nothing is changed below a supervisor that stops") {
  std::binary_semaphore may_start{1};
  std::binary_semaphore may_stop{0};
  scene it{{.token = token}};
  supervisor_spec spec{.name = "tree"};
  spec.add<sleeper>("first");
  spec.add<slow>("slow", {}, std::ref(may_start), std::ref(may_stop));
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  root.gracefully_stop();
  for (auto verb : {"restart", "stop", "start"}) {
    auto answer = it.client.Post(std::string{"/children/tree/first/"} + verb,
                                 with_token, "", "text/plain");
    REQUIRE(answer);
    CHECK(answer->status == 409);
    CHECK_THAT(answer->body, ContainsSubstring("/tree is stopping"));
  }
  CHECK(root.child("first").state() == troupe::worker_state::running);
  may_stop.release();
  root.wait_for_shutdown();
}

TEST_CASE("S19 S20 nothing is changed without a token") {
  auto status = [](const httplib::Result& x) { return x ? x->status : 0; };
  SECTION("if there is none") {
    scene it;
    auto root = troupe::spawn(it.sys, tree());
    root.startup();
    auto answer = it.client.Post("/children/tree/sleeper/stop", with_token, "",
                                 "text/plain");
    CHECK(status(answer) == 403);
    CHECK_THAT(answer->body, ContainsSubstring("observer_options.token"));
    CHECK(root.child("sleeper").state() == troupe::worker_state::running);
    root.shutdown();
  }
  SECTION("if it is another one") {
    scene it{{.token = token}};
    auto root = troupe::spawn(it.sys, tree());
    root.startup();
    auto path = "/children/tree/sleeper/stop";
    CHECK(status(it.client.Post(path)) == 401);
    CHECK(it.client.Post(path)->has_header("WWW-Authenticate"));
    CHECK(status(it.client.Post(path, {{"Authorization", "Bearer x"}}, "",
                                "text/plain"))
          == 401);
    CHECK(root.child("sleeper").state() == troupe::worker_state::running);
    root.shutdown();
  }
}

TEST_CASE("S19 S20 with its token an observer does what it is told") {
  scene it{{.token = token}};
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  auto tell = [&it](const std::string& what) {
    auto answer = it.client.Post("/children/" + what, with_token, "",
                                 "text/plain");
    REQUIRE(answer);
    return answer->status;
  };
  CHECK(it.status()["controls"] == true);
  auto sleeper = root.child("sleeper");
  troupe::event_log log{root};
  reader events{it.observer_.port(), "/events?under=/tree/sleeper"};
  events.wait_for("retry:");
  CHECK(tell("tree/sleeper/stop") == 200);
  // Somebody who looks later on learns why.
  events.wait_for(R"("kind":"stopping")");
  events.wait_for(R"("reason":"127.0.0.1 told the observer to stop it")");
  const auto told = log.wait_for(troupe::event_kind::stopping, "/tree/sleeper");
  REQUIRE(told);
  CHECK(told->reason == caf::exit_reason::user_shutdown);
  CHECK(troupe::text_of(told->reason)
        == "127.0.0.1 told the observer to stop it");
  CHECK(sleeper.state() == troupe::worker_state::stopped);
  CHECK(tell("tree/sleeper/stop") == 200);
  CHECK(tell("tree/sleeper/start") == 200);
  CHECK(sleeper.state() == troupe::worker_state::running);
  CHECK(sleeper.incarnation() == 2);
  CHECK(tell("tree/sleeper/start") == 409);
  CHECK_THAT(it.client
               .Post("/children/tree/sleeper/start", with_token, "",
                     "text/plain")
               ->body,
             ContainsSubstring("/tree/sleeper runs already"));
  CHECK(tell("tree/sleeper/restart") == 200);
  CHECK(sleeper.incarnation() == 3);
  const auto again = log.wait_for(troupe::event_kind::stopping, "/tree/sleeper",
                                  2);
  REQUIRE(again);
  CHECK(troupe::text_of(again->reason)
        == "127.0.0.1 told the observer to restart it");
  SECTION("without a body, too") {
    raw_connection terse{it.observer_.port()};
    terse.say("POST /children/tree/sleeper/stop HTTP/1.1\r\nHost: localhost\r\n"
              "Connection: close\r\nAuthorization: Bearer "
              + token + "\r\n\r\n");
    CHECK_THAT(terse.all(), ContainsSubstring("200 OK"));
    CHECK(sleeper.state() == troupe::worker_state::stopped);
  }
  CHECK(tell("tree/nobody/stop") == 404);
  CHECK(tell("nobody/stop") == 404);
  CHECK(tell("tree/stop") == 409);
  root.shutdown();
}

TEST_CASE("S11 a child that backs off is started at once") {
  scene it{{.token = token}};
  supervisor_spec spec{.name = "tree"};
  spec.add<fragile>("fragile",
                    {.backoff = {.initial = 1h, .max = 1h, .jitter = 0.0}});
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  troupe::event_log log{root};
  auto ref = *troupe::lookup<fragile>(it.sys, "/tree/fragile");
  ref.send(-1);
  REQUIRE(log.wait_for(troupe::event_kind::backing_off, "/tree/fragile", 30s));
  CHECK(it.status()["trees"][0]["children"][0]["next_retry"] > 3000);
  REQUIRE(it.client
            .Post("/children/tree/fragile/start", with_token, "", "text/plain")
            ->status
          == 200);
  CHECK(log.wait_for(troupe::event_kind::ready, "/tree/fragile", 2, 30s));
  root.shutdown();
}

TEST_CASE("S19 a child is told by its path as the status has it") {
  scene it{{.token = token}};
  supervisor_spec spec{.name = "\xff"};
  spec.add<sleeper>("\xfe");
  spec.add<sleeper>("\xfd");
  auto root = troupe::spawn(it.sys, spec);
  root.startup();
  const auto child = it.status()["trees"][0]["children"][1];
  CHECK(child["path"] == "/\\xff/\\xfd");
  raw_connection client{it.observer_.port()};
  client.say("POST /children/%5cxff/%5Cxfd/stop HTTP/1.1\r\nHost: localhost\r\n"
             "Connection: close\r\nAuthorization: Bearer "
             + token + "\r\n\r\n");
  CHECK_THAT(client.all(), ContainsSubstring("200 OK"));
  CHECK(root.child("\xfd").state() == troupe::worker_state::stopped);
  CHECK(root.child("\xfe").state() == troupe::worker_state::running);
  root.shutdown();
}

TEST_CASE("S19 a path means the same with and without a body") {
  scene it{{.token = token}};
  for (auto path : {"/children/tree/a%0ab/stop", "/children/tree/a%0a/stop",
                    "/children/tree%0a/a/stop"}) {
    CAPTURE(path);
    const auto request = std::string{"POST "} + path
                         + " HTTP/1.1\r\nHost: localhost\r\nauthorization: "
                           "bearer "
                         + token + "\r\nConnection: close\r\n";
    raw_connection without{it.observer_.port()};
    without.say(request + "\r\n");
    raw_connection with{it.observer_.port()};
    with.say(request + "Content-Length: 0\r\n\r\n");
    const auto text = without.all();
    CHECK_THAT(text, ContainsSubstring("404 Not Found"));
    CHECK_THAT(text, !ContainsSubstring("there is nothing at"));
    CHECK(with.all() == text);
  }
}
