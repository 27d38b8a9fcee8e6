// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/settings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::rules;

using Catch::Matchers::ContainsSubstring;

namespace {

constexpr time_point now{1000s};

periods some(timespan grace, timespan cleanup) {
  return {grace, cleanup, 1s, infinite};
}

} // namespace

TEST_CASE("L3 options come before settings, and settings before defaults") {
  const settings defaults;
  auto plain = merge({}, defaults);
  CHECK(plain.grace == 10s);
  CHECK(plain.cleanup == 1s);
  CHECK(plain.force == 1s);
  CHECK(plain.start_timeout == infinite);

  const settings configured{2s, 3s, 4s};
  auto set = merge({}, configured);
  CHECK(set.grace == 2s);
  CHECK(set.cleanup == 3s);
  CHECK(set.force == 4s);

  auto given = merge({.stopping_grace_period = 0s,
                      .start_timeout = 6s,
                      .cleanup_period = 7s,
                      .force_period = infinite},
                     configured);
  CHECK(given.grace == 0s);
  CHECK(given.start_timeout == 6s);
  CHECK(given.cleanup == 7s);
  CHECK(given.force == infinite);
}

TEST_CASE("A6 there is room for a good number of offloaded calls") {
  CHECK(default_offload_threads(0) == 16); // nobody knows how many cores
  CHECK(default_offload_threads(2) == 16);
  CHECK(default_offload_threads(16) == 64);
}

TEST_CASE("L3 what is negative is named, with the worker and what to do") {
  CHECK(check({}, "w").empty());
  CHECK(check({.stopping_grace_period = 0s,
               .start_timeout = 0s,
               .cleanup_period = 0s,
               .force_period = 0s},
              "w")
          .empty());
  CHECK(check({.stopping_grace_period = infinite,
               .start_timeout = infinite,
               .cleanup_period = infinite,
               .force_period = infinite},
              "w")
          .empty());
  auto names = [](const worker_options& options, const char* field) {
    CHECK_THAT(check(options, "w"), ContainsSubstring("worker \"w\"")
                                      && ContainsSubstring(field)
                                      && ContainsSubstring("; use "));
  };
  names({.stopping_grace_period = -1ns}, "stopping_grace_period");
  names({.start_timeout = -1ns}, "start_timeout");
  names({.cleanup_period = -1ns}, "cleanup_period");
  names({.force_period = -1ns}, "force_period");
}

TEST_CASE("L32 a watchdog must be longer than zero") {
  CHECK_THAT(check({.watchdog = 0s}, "w"), ContainsSubstring("watchdog"));
  CHECK_FALSE(check({.watchdog = -1s}, "w").empty());
  CHECK(check({.watchdog = 1ns}, "w").empty());
  CHECK(check({.watchdog = infinite}, "w").empty());
}

TEST_CASE("L33 what is to be done about a hang needs a watchdog") {
  using troupe::on_hang;
  CHECK(check({.on_hang = on_hang::restart}, "w")
        == "worker \"w\": on_hang is restart, but there is no watchdog to "
           "notice that it hangs; set watchdog or leave on_hang out");
  CHECK(check({.watchdog = 1s, .on_hang = on_hang::restart}, "w").empty());
  CHECK(check({.watchdog = 1s, .on_hang = on_hang::report}, "w").empty());
  CHECK(check({.on_hang = on_hang::report}, "w").empty());
}

TEST_CASE("L2 a name must not look like a path") {
  CHECK_THAT(check({.name = "a/b"}, "a/b"), ContainsSubstring("a/b"));
  CHECK_FALSE(check({.name = "/"}, "/").empty());
  CHECK(check({.name = "a b.c-d"}, "a b.c-d").empty());
  CHECK_THAT(check({.name = "a\n"}, "a\n"), ContainsSubstring("a\\x0a"));
}

TEST_CASE("L16 a worker is forced after its grace period, or at the limit") {
  CHECK(grace_deadline(now, 10s, never) == now + 10s);
  CHECK(grace_deadline(now, 0s, never) == now);
  CHECK(grace_deadline(now, infinite, never) == never);
  CHECK(grace_deadline(now, 10s, now + 3s) == now + 3s);
  CHECK(grace_deadline(now, 10s, now + 30s) == now + 10s);
  CHECK(grace_deadline(now, infinite, now + 3s) == now + 3s);
  // A limit that has passed is now.
  CHECK(grace_deadline(now, 10s, now - 3s) <= now);
  // What does not fit is never.
  CHECK(grace_deadline(now, infinite - 1ns, never) == never);
}

TEST_CASE("L18 the clean-up has the rest of the grace period, but at least the "
          "clean-up period") {
  // After a stop: until the grace period of the stop is over.
  CHECK(cleanup_deadline(now, true, now + 6s, some(10s, 1s)) == now + 6s);
  CHECK(cleanup_deadline(now, true, now + 500ms, some(10s, 1s)) == now + 1s);
  CHECK(cleanup_deadline(now, true, now - 3s, some(10s, 1s)) == now + 1s);
  CHECK(cleanup_deadline(now, true, now - 3s, some(10s, 0s)) == now);
  CHECK(cleanup_deadline(now, true, never, some(infinite, 1s)) == never);
  // Without a stop: a whole grace period.
  CHECK(cleanup_deadline(now, false, never, some(10s, 1s)) == now + 10s);
  CHECK(cleanup_deadline(now, false, never, some(0s, 1s)) == now + 1s);
  CHECK(cleanup_deadline(now, false, never, some(infinite, 1s)) == never);
  CHECK(cleanup_deadline(now, false, never, some(10s, infinite)) == never);
}
