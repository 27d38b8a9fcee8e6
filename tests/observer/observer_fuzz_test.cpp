// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Sends an observer bytes that a careless or hostile client could send. For so
// many seconds as TROUPE_FUZZ_SECONDS says, 2 by default.

#include "support/observer_scene.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using support::count_answers;
using support::raw_connection;
using support::scene;
using support::tree;

namespace {

class fuzzer {
public:
  explicit fuzzer(unsigned seed) : random_(seed) {
    // nop
  }

  /// Some requests, or what is left of them.
  std::string draw() {
    std::string result;
    do {
      result += below(10) == 0 ? noise(below(300)) : request();
    } while (below(3) == 0);
    for (auto n = below(2) == 0 ? 0 : below(6); n > 0 && !result.empty(); --n)
      damage(result);
    return result;
  }

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }

private:
  std::string noise(std::size_t size) {
    std::string result(size, '\0');
    for (auto& c : result)
      c = static_cast<char>(below(256));
    return result;
  }

  std::string_view one_of(const std::vector<std::string_view>& xs) {
    return xs[below(xs.size())];
  }

  std::string request() {
    std::string result{
      one_of({"GET", "HEAD", "POST", "PUT", "OPTIONS", "get", "BREW", ""})};
    result += one_of({" ", "  ", "\t", ""});
    result += one_of({"/", "/status.json", "/status.json?path=/tree&depth=1",
                      "/status.txt", "/events?since=0", "/metrics", "/healthz",
                      "/readyz", "/children/tree/sleeper/stop", "*", "/%",
                      "/%00%0a?%=%&&=", "http://localhost/", "//evil"});
    if (below(20) == 0)
      result += std::string(below(20'000), "/x%"[below(3)]);
    result += one_of({" HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/1.1\n", "\r\n",
                      " HTTP/9.9\r\n", " HTTP/1.1 \r\n"});
    result += one_of({"Host: localhost\r\n", "host:127.0.0.1:80\r\n", "",
                      "Host: localhost\r\nHost: x\r\n", "Host: [::1\r\n"});
    for (auto n = below(5); n > 0; --n)
      result += header();
    result += "\r\n";
    result += std::string(below(4) == 0 ? below(6000) : 0, 'b');
    return result;
  }

  std::string header() {
    std::string result{one_of({"Content-Length", "Transfer-Encoding",
                               "Connection", "Authorization", "Accept-Encoding",
                               "Range", "Expect", "Last-Event-ID", "Upgrade",
                               "X", "Te", "Trailer", "Content-Length ", " X"})};
    result += one_of({": ", ":", " : "});
    result += one_of({"0", "5", "4000", "100000", "99999999999999999999", "-1",
                      "chunked", "gzip, chunked", "close", "keep-alive",
                      "upgrade, close", "Bearer x", "bytes=0-", "gzip;q=0.x",
                      "100-continue", "", "1, 2", "\x01"});
    if (below(50) == 0)
      result += noise(below(20'000));
    return result + "\r\n";
  }

  void damage(std::string& text) {
    const auto at = below(text.size());
    switch (below(4)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(at, below(20));
        break;
      case 2:
        text.insert(at, noise(below(5)));
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(50)));
    }
  }

  std::mt19937 random_;
};

std::chrono::seconds time_to_fuzz() {
  const auto* text = std::getenv("TROUPE_FUZZ_SECONDS");
  return std::chrono::seconds{text != nullptr ? std::atoi(text) : 2};
}

} // namespace

TEST_CASE("no bytes that anybody sends bring an observer down") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  fuzzer bytes{seed};
  scene it{{.token = support::token, .patience = {}}};
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  const auto end = std::chrono::steady_clock::now() + time_to_fuzz();
  int rounds = 0;
  for (; std::chrono::steady_clock::now() < end; ++rounds) {
    const auto said = bytes.draw();
    CAPTURE(said);
    raw_connection client{it.observer_.port()};
    // In one piece or in two, and sometimes without waiting for an answer.
    const auto cut = bytes.below(said.size() + 1);
    static_cast<void>(client.try_to_say(said.substr(0, cut))
                      && client.try_to_say(said.substr(cut)));
    if (bytes.below(4) == 0)
      continue;
    client.say_no_more();
    const auto heard = client.all();
    if (!heard.empty())
      CHECK_THAT(heard, StartsWith("HTTP/1.1 "));
    if (rounds % 64 == 0) {
      raw_connection probe{it.observer_.port()};
      probe.say("GET /healthz HTTP/1.0\r\n\r\n");
      CHECK_THAT(probe.all(), ContainsSubstring("\r\n\r\nok\n"));
    }
  }
  CHECK(rounds > 0);
  // Nobody has guessed the token.
  CHECK(root.child("sleeper").state() == troupe::worker_state::running);
  root.shutdown();
}
