// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/observer_scene.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <pthread.h>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using support::count_answers;
using support::raw_connection;
using support::scene;
using support::token;
using support::tree;

TEST_CASE("a client that stops in the middle of a request is cut off") {
  scene it;
  raw_connection slow{it.observer_.port()};
  slow.say("GET /status.json HT");
  CHECK(it.get("/healthz")->status == 200);
  CHECK_THAT(slow.all(), !ContainsSubstring("200"));
}

TEST_CASE("an observer ends though a client is in the middle of a request") {
  // The client has five seconds for its request, as long as the observer is
  // there. One time of a few it takes less, however busy the machine is.
  auto cut_off = false;
  for (int i = 0; i < 10 && !cut_off; ++i) {
    auto it = std::make_unique<scene>();
    raw_connection slow{it->observer_.port()};
    slow.say("GET /status.json HTTP/1.1\r\nHost: ");
    CHECK(it->get("/healthz")->status == 200);
    const auto begin = std::chrono::steady_clock::now();
    it.reset();
    cut_off = std::chrono::steady_clock::now() - begin < 4s;
  }
  CHECK(cut_off);
}

TEST_CASE("a client cannot have more than its share") {
  scene it;
  SECTION("by a request without an end") {
    raw_connection endless{it.observer_.port()};
    endless.say("GET / HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 20; ++i)
      if (!endless.try_to_say("X-Header: " + std::string(1000, 'x') + "\r\n"))
        break;
    CHECK_THAT(endless.all(), !ContainsSubstring("200 OK"));
  }
  SECTION("by ranges, each a copy of the whole") {
    auto answer = it.client.Get("/status.json", {{"Range", "bytes=0-,0-,0-"}});
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK_NOTHROW(json::parse(answer->body));
  }
  SECTION("by a body of unknown length") {
    raw_connection chunked{it.observer_.port()};
    chunked.say("PUT /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                "chunked\r\n\r\n10000000\r\n");
    CHECK_THAT(chunked.all(), ContainsSubstring("413"));
  }
  CHECK(it.get("/healthz")->status == 200);
}

TEST_CASE("an observer refuses what it does not have, and says why") {
  scene it;
  auto check = [](const httplib::Result& answer, int status,
                  const std::string& words) {
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK_THAT(json::parse(answer->body)["error"].get<std::string>(),
               ContainsSubstring(words));
  };
  check(it.get("/nowhere"), 404, "there is nothing at /nowhere");
  check(it.get("/../etc/passwd"), 404, "there is nothing");
  check(it.client.Post("/status.json"), 405, "use GET");
  check(it.client.Delete("/"), 405, "use GET");
  check(it.client.Put("/x", "", "text/plain"), 404, "nothing");
  check(it.get("/children/tree/a/stop"), 405, "use POST");
  check(it.client.Post("/children/stop"), 404, "is not /children/PATH/restart");
  check(it.get("/" + std::string(9000, 'x')), 414, "too long");
  CHECK(it.client.Head("/status.json")->status == 200);
  SECTION("a long body") {
    check(it.client.Post("/children/tree/a/stop", std::string(100'000, 'x'),
                         "text/plain"),
          413, "too long");
  }
  SECTION("what is no request") {
    raw_connection odd{it.observer_.port()};
    odd.say("BREW / HTCPCP/1.0\r\n\r\n");
    CHECK_THAT(odd.all(), ContainsSubstring("400"));
  }
  SECTION("another name for this machine") {
    auto answer = it.client.Get("/status.json", {{"Host", "evil.example"}});
    check(answer, 403, "Host");
  }
}

// -- where one request ends and the next one begins ----------------------------

namespace {

/// Somebody without a token says this, and then, on the same connection as it
/// is behind a proxy, somebody who has one asks for something harmless.
std::string say_before_a_caller_with_token(scene& it, const std::string& what) {
  raw_connection shared{it.observer_.port()};
  shared.say(what);
  // It may have been closed meanwhile.
  static_cast<void>(
    shared.try_to_say("GET /readyz HTTP/1.1\r\nHost: localhost\r\nAuthorization"
                      ": Bearer "
                      + token + "\r\nConnection: close\r\n\r\n"));
  return shared.all();
}

} // namespace

TEST_CASE("no request is hidden in another one") {
  scene it{{.token = token}};
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  const std::string hidden = "POST /children/tree/sleeper/stop HTTP/1.1\r\n"
                             "Host: localhost\r\nX: ";
  const auto length = std::to_string(hidden.size());
  const std::string rest = " HTTP/1.1\r\nHost: localhost\r\n";
  auto closes = [&](const std::string& what, const std::string& status) {
    CAPTURE(what);
    const auto text = say_before_a_caller_with_token(it, what);
    CHECK_THAT(text, ContainsSubstring("HTTP/1.1 " + status));
    CHECK_THAT(text, ContainsSubstring("Connection: close"));
    CHECK(count_answers(text) == 1);
  };
  SECTION("in the body of one that needs none") {
    for (auto method : {"GET /healthz", "HEAD /healthz", "DELETE /healthz",
                        "POST /nowhere", "BREW /healthz"}) {
      CAPTURE(method);
      const auto text = say_before_a_caller_with_token(
        it, method + rest + "Content-Length: " + length + "\r\n\r\n" + hidden);
      CHECK(count_answers(text) == 2);
      CHECK_THAT(text, ContainsSubstring("\r\n\r\nok\n"));
    }
  }
  SECTION("in a body of unknown length") {
    for (auto coding : {"chunked", "identity", "xchunked", "gzip, chunked",
                        "chunked, gzip", "chunked\r\nTransfer-Encoding: x"})
      closes("GET /healthz" + rest + "Transfer-Encoding: " + coding
               + "\r\n\r\n0\r\n\r\n" + hidden,
             "4");
  }
  SECTION("in one that is refused") {
    closes("POST /nowhere" + rest + "Content-Length: 5000\r\n\r\n" + hidden,
           "413");
    closes("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nContent-Length: "
             + length + "\r\n\r\n" + hidden,
           "403");
    closes("POST /nowhere" + rest + "Expect: 100-continue\r\nContent-Length: "
             + length + "\r\n\r\n" + hidden,
           "417");
  }
  SECTION("by lengths of two kinds") {
    for (const auto& lengths :
         {"0\r\nContent-Length: " + length, length + "\r\nContent-Length: 0",
          "0, " + length, length + "\r\nTransfer-Encoding: chunked",
          std::string{"-1"}, std::string{"+0"}, std::string{"0x0"},
          std::string{"99999999999999999999"}, std::string{}})
      closes("GET /healthz" + rest + "Content-Length: " + lengths + "\r\n\r\n"
               + hidden,
             "4");
  }
  SECTION("behind a header that is none") {
    for (auto line : {"Content-Length : 0", " folded: x", "X", "X\x01: y",
                      "X: a\nb: c", ": x", "X: \x01"})
      closes("GET /healthz" + rest + line + "\r\n\r\n" + hidden, "400");
  }
  CHECK(root.child("sleeper").state() == troupe::worker_state::running);
  root.shutdown();
}

TEST_CASE("a malformed request has one answer") {
  scene it;
  const std::string with_nul{"Host: localhost\0.evil.example", 29};
  for (const auto& request :
       {"GET / HTTP/1.1\r\n" + with_nul + "\r\n\r\n",
        std::string{"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost"
                    "\r\n\r\n"},
        std::string{"GET / HTTP/1.1\r\nHost: localhost:x@evil\r\n\r\n"},
        std::string{"GET / HTTP/1.1\r\n\r\n"},
        std::string{"GET http://evil.example/ HTTP/1.1\r\nHost: localhost"
                    "\r\n\r\n"},
        std::string{"GET /\r\n\r\n"},
        std::string{"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n"},
        std::string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        std::string{"\x16\x03\x01\x02\x00\x01"}}) {
    CAPTURE(request);
    raw_connection odd{it.observer_.port()};
    odd.say(request + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto text = odd.all();
    CHECK_THAT(text, ContainsSubstring("HTTP/1.1 400 Bad Request\r\n"));
    CHECK_THAT(text, ContainsSubstring("Content-Security-Policy: default-src"));
    CHECK(count_answers(text) == 1);
  }
}

TEST_CASE("requests that follow one another are answered in their order") {
  scene it;
  raw_connection hasty{it.observer_.port()};
  const std::string rest = " HTTP/1.1\r\nHost: localhost\r\n";
  hasty.say("GET /nowhere" + rest + "\r\nGET /healthz" + rest
            + "\r\nHEAD /healthz" + rest + "\r\nGET /readyz" + rest
            + "Connection: close\r\n\r\n");
  const auto text = hasty.all();
  CHECK(count_answers(text) == 4);
  CHECK(text.find("404 Not Found") < text.find("\r\n\r\nok\nHTTP/1.1 200"));
  CHECK_THAT(text, ContainsSubstring("\r\n\r\nnothing was started\n"));
  // They are told how long they may wait with the next one, and it is true.
  CHECK_THAT(text, ContainsSubstring("Keep-Alive: timeout=5\r\n"));
}

// -- who asks ------------------------------------------------------------------

TEST_CASE("checks of load balancers, which name no host, are served") {
  scene it;
  raw_connection check{it.observer_.port()};
  check.say("GET /healthz HTTP/1.0\r\n\r\n");
  const auto text = check.all();
  CHECK_THAT(text, ContainsSubstring("200 OK"));
  CHECK_THAT(text, ContainsSubstring("\r\n\r\nok\n"));
}

TEST_CASE("a stranger's path of any length takes no stack") {
  // What a thread gets that does not ask for more.
  pthread_attr_t before;
  pthread_attr_t small;
  REQUIRE(pthread_getattr_default_np(&before) == 0);
  REQUIRE(pthread_attr_init(&small) == 0);
  REQUIRE(pthread_attr_setstacksize(&small, 256 * 1024) == 0);
  REQUIRE(pthread_setattr_default_np(&small) == 0);
  support::real_system sys;
  auto it = std::make_unique<troupe::observer>(sys, troupe::observer_options{
                                                      .port = 0});
  httplib::Client client{"127.0.0.1", it->port()};
  client.set_read_timeout(30s);
  for (auto size : {4000, 8000, 9000, 15'000}) {
    for (auto c : {'x', '/', '%'}) {
      const auto answer = client.Get('/' + std::string(size, c));
      REQUIRE(answer);
      CHECK(answer->status == (size < 8192 ? 404 : 414));
    }
  }
  it.reset();
  pthread_setattr_default_np(&before);
  pthread_attr_destroy(&small);
  pthread_attr_destroy(&before);
}

TEST_CASE("a range is ignored, whatever it is") {
  scene it;
  for (auto range : {"bytes=0-0", "bytes=9-1", "bytes=x", "x", "bytes=0-,0-"}) {
    const auto answer = it.client.Get("/healthz", {{"Range", range}});
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->has_header("Content-Security-Policy"));
  }
}

TEST_CASE("a document is packed for those who can unpack it") {
  scene it;
  auto asked = [&it](const std::string& codings) {
    it.client.set_decompress(false);
    auto answer = it.client.Get("/", {{"Accept-Encoding", codings}});
    REQUIRE(answer);
    return *answer;
  };
  const auto plain = asked("identity");
  CHECK_FALSE(plain.has_header("Content-Encoding"));
  CHECK_THAT(plain.body, ContainsSubstring("<!DOCTYPE html>"));
  const auto packed = asked("br, gzip");
  CHECK(packed.get_header_value("Content-Encoding") == "gzip");
  CHECK(packed.body.size() * 2 < plain.body.size());
  CHECK_FALSE(asked("gzip;q=0").has_header("Content-Encoding"));
}
