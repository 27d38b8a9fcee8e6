// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// An observer on a machine that has no thread left.

#include "support/real_system.hpp"
#include "support/scarce_threads.hpp"
#include "troupe/observer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <httplib.h>

#include <chrono>
#include <string>
#include <system_error>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::scarce_threads;

TEST_CASE("L36 an observer for which there is no thread says so") {
  const auto how = GENERATE(scarce_threads::how::once,
                            scarce_threads::how::from_then_on);
  auto goes_on = true;
  for (auto nth = 1; goes_on; ++nth) {
    CAPTURE(nth, how);
    support::real_system sys;
    const scarce_threads limit{nth, how};
    std::string text;
    try {
      const troupe::observer it{sys, {.port = 0}};
      CHECK(it.port() != 0);
    } catch (const std::system_error& what) {
      text = what.what();
    }
    goes_on = limit.has_refused();
    if (!text.empty())
      CHECK_THAT(text, ContainsSubstring("no thread for"));
    REQUIRE(nth < 100);
  }
}

TEST_CASE("L36 an observer that did not start lets go of its port") {
  support::real_system sys;
  std::uint16_t port = 0;
  {
    const troupe::observer first{sys, {.port = 0}};
    port = first.port();
  }
  {
    const scarce_threads limit{1, scarce_threads::how::from_then_on};
    CHECK_THROWS_AS((troupe::observer{sys, {.port = port}}), std::system_error);
  }
  CHECK_NOTHROW(troupe::observer{sys, {.port = port}});
}

TEST_CASE("L36 requests are served though there is no thread left") {
  support::real_system sys;
  const troupe::observer it{sys, {.port = 0}};
  httplib::Client client{"127.0.0.1", it.port()};
  client.set_read_timeout(1h);
  const scarce_threads limit{1, scarce_threads::how::from_then_on};
  for (auto path : {"/healthz", "/readyz", "/metrics", "/status.json"})
    CHECK(client.Get(path));
}
