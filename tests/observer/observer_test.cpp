// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer.hpp"

#include "support/real_system.hpp"
#include "support/stuck.hpp"
#include "support/trap.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using troupe::observer;
using troupe::observer_options;
using troupe::supervisor_spec;

namespace {

const std::string token = "0123456789abcdef";

const httplib::Headers with_token{{"Authorization", "Bearer " + token}};

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

supervisor_spec tree() {
  supervisor_spec result{.name = "tree"};
  result.add<sleeper>("sleeper");
  result.add<fragile>("fragile");
  return result;
}

/// An actor system with an observer, and somebody who looks.
struct scene {
  explicit scene(observer_options options = {})
    : observer_(sys, with_any_port(std::move(options))),
      client("127.0.0.1", observer_.port()) {
    client.set_read_timeout(30s);
  }

  static observer_options with_any_port(observer_options x) {
    x.port = 0;
    return x;
  }

  httplib::Result get(const std::string& path) {
    return client.Get(path);
  }

  json status(const std::string& query = "") {
    auto answer = get("/status.json" + query);
    REQUIRE(answer);
    REQUIRE(answer->status == 200);
    return json::parse(answer->body);
  }

  support::real_system sys;
  observer observer_;
  httplib::Client client;
};

/// A connection on which one says what one wants.
class raw_connection {
public:
  explicit raw_connection(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to))
            == 0);
  }

  ~raw_connection() {
    ::close(socket_);
  }

  void say(const std::string& what) {
    REQUIRE(try_to_say(what));
  }

  /// @returns `false` if the other side has closed it.
  bool try_to_say(const std::string& what) {
    return ::send(socket_, what.data(), what.size(), MSG_NOSIGNAL)
           == static_cast<ssize_t>(what.size());
  }

  /// What comes next; nothing if the other side has closed it.
  std::string some() {
    std::string result(4096, '\0');
    auto n = ::recv(socket_, result.data(), result.size(), 0);
    result.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return result;
  }

  /// What comes until the other side closes it.
  std::string all() {
    std::string result;
    for (auto more = some(); !more.empty(); more = some())
      result += more;
    return result;
  }

  /// Nothing comes any more.
  void hang_up() {
    ::shutdown(socket_, SHUT_RDWR);
  }

private:
  int socket_;
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

} // namespace

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
  CHECK(tell("tree/sleeper/stop") == 200);
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
