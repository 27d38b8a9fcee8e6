// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/rules.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::durable;
using namespace troupe::durable::rules;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using troupe::timespan;

namespace {

const limits three{.max_failures = 3,
                   .max_crashes = 2,
                   .backoff = {.initial = 1s, .max = 3s, .jitter = 0}};

decision after_it(ending how, tries before = {}) {
  return after(how, before, three, 7s, 0.0);
}

} // namespace

TEST_CASE("J4 a job whose handler returns is done") {
  CHECK(after_it(ending::returned, {2, 1})
        == decision{job_state::done, {2, 1}, {}});
}

TEST_CASE("J5 a failure is counted, and the job waits longer each time") {
  CHECK(after_it(ending::failed) == decision{job_state::waiting, {1, 0}, 1s});
  CHECK(after_it(ending::failed, {1, 1})
        == decision{job_state::waiting, {2, 1}, 2s});
  CHECK(after_it(ending::failed, {2, 0})
        == decision{job_state::buried, {3, 0}, {}});
  CHECK(after_it(ending::failed, {9, 0}).next == job_state::buried);
  CHECK(after_it(ending::uncommitted)
        == decision{job_state::waiting, {1, 0}, 1s});
}

TEST_CASE("J5 a count never overflows") {
  const auto most = std::numeric_limits<int>::max();
  const limits none{.max_failures = most, .max_crashes = most};
  CHECK(after(ending::failed, {most, 0}, none, 0s, 0.0).after.failures == most);
  CHECK(after(ending::crashed, {0, most}, none, 0s, 0.0).after.crashes == most);
}

TEST_CASE("J5 a policy replaces the limits of the options") {
  using troupe::on_error;
  CHECK(limits_for(on_error::fail, three).max_failures == 3);
  CHECK(limits_for(on_error::skip, three).max_failures == 1);
  const auto often = limits_for(on_error::retry(5, {.initial = 2s}), three);
  CHECK(often.max_failures == 6);
  CHECK(often.backoff.initial == 2s);
  CHECK(often.max_crashes == 2);
  CHECK(limits_for(on_error::retry(-3), three).max_failures == 1);
}

TEST_CASE("J6 a crash is counted apart, and the job keeps its place") {
  CHECK(after_it(ending::crashed, {2, 0})
        == decision{job_state::waiting, {2, 1}, {}});
  CHECK(after_it(ending::crashed, {2, 1})
        == decision{job_state::buried, {2, 2}, {}});
}

TEST_CASE("J7 a stop uses up no tries, a force is a crash") {
  CHECK(after_it(ending::not_begun, {2, 1})
        == decision{job_state::waiting, {2, 1}, {}});
  CHECK(after_it(ending::forced, {2, 0})
        == decision{job_state::waiting, {2, 1}, {}});
}

TEST_CASE("a job may be put off or given up by its handler") {
  CHECK(after_it(ending::snoozed, {2, 1})
        == decision{job_state::waiting, {2, 1}, 7s});
  CHECK(after(ending::snoozed, {}, three, -7s, 0.0).delay == timespan{0});
  CHECK(after_it(ending::given_up, {1, 1})
        == decision{job_state::buried, {1, 1}, {}});
}

TEST_CASE("J13 a payload that cannot be read is buried at once") {
  CHECK(after_it(ending::unreadable)
        == decision{job_state::buried, {0, 0}, {}});
}

TEST_CASE("J3 a worker claims what it has room for") {
  CHECK(room_for(1, 0, 0s) == 1);
  CHECK(room_for(8, 3, 0s) == 5);
  CHECK(room_for(8, 8, 0s) == 0);
  CHECK(room_for(8, 9, 0s) == 0);
}

TEST_CASE("J3 a worker with short jobs claims ahead, in larger pieces") {
  CHECK(room_for(1, 0, 1s) == 1);
  CHECK(room_for(1, 0, 10ms) == 3);
  CHECK(room_for(1, 0, 1us) == 1 + most_ahead);
  CHECK(room_for(2, 0, 1ns) == 2 + most_ahead);
  // It does not ask for one each time that one is over.
  CHECK(room_for(1, 40, 1us) == 0);
  CHECK(room_for(1, 20, 1us) == 45);
}

TEST_CASE("J6 a job that has crashed before is claimed alone") {
  using list = std::vector<int>;
  CHECK(claim_of(list{}, true, true) == 0);
  CHECK(claim_of(list{0, 0, 0}, false, true) == 3);
  CHECK(claim_of(list{0, 0, 1, 0}, true, true) == 2);
  CHECK(claim_of(list{1, 0, 0}, true, true) == 1);
  CHECK(claim_of(list{1, 0, 0}, false, true) == 0);
  CHECK(claim_of(list{1, 1}, false, false) == 1); // it has waited for long
}

TEST_CASE("J9 a claim is renewed in time, while its handler may go on") {
  const troupe::time_point t{100s};
  CHECK(renew_at(t, 30s) == t + 10s);
  CHECK(may_renew(troupe::never, 1s, t));
  CHECK(may_renew(t, troupe::infinite, t + 1000h));
  CHECK(may_renew(t, 5s, t + 4s));
  CHECK_FALSE(may_renew(t, 5s, t + 5s));
}

TEST_CASE("J12 the key of a slot is one that a person can read") {
  CHECK(slot_key("digest", wall_time{1'000'000'000s})
        == "digest@2001-09-09T01:46:40Z");
  CHECK(slot_key("", wall_time{1'500ms}) == "@1970-01-01T00:00:01.500000Z");
}

TEST_CASE("options out of their range are named") {
  CHECK(check(options{}).empty());
  CHECK_THAT(check(options{.concurrency = 0}),
             ContainsSubstring("concurrency"));
  CHECK_THAT(check(options{.lease = 1ms}), ContainsSubstring("lease"));
  CHECK_THAT(check(options{.max_run = 0s}), ContainsSubstring("max_run"));
  CHECK_THAT(check(options{.max_failures = 0}),
             ContainsSubstring("max_failures is 0; it must be at least 1"));
  CHECK_THAT(check(options{.max_crashes = -1}),
             ContainsSubstring("max_crashes"));
  CHECK_THAT(check(options{.backoff = {.initial = -1s}}),
             ContainsSubstring("backoff.initial"));
  CHECK_THAT(check(options{.backoff = {.factor = 0.5}}),
             ContainsSubstring("backoff.factor"));
  CHECK_THAT(check(options{.backoff = {.jitter = 2}}),
             ContainsSubstring("backoff.jitter"));
  CHECK_THAT(check(options{.keep_done = -1s}), ContainsSubstring("keep_done"));
  CHECK(check(store_options{}).empty());
  CHECK_THAT(check(store_options{.max_payload = 0}),
             ContainsSubstring("max_payload"));
  CHECK(check(put_options{}).empty());
  CHECK_THAT(check(put_options{.priority = 101}),
             ContainsSubstring("priority"));
  CHECK_THAT(check(put_options{.unique = std::string(1001, 'x')}),
             ContainsSubstring("unique"));
}

TEST_CASE("a queue has a name that a person can read") {
  CHECK(check_queue_name("mail").empty());
  CHECK(check_queue_name("m\xc3\xa4il / 'x' \"y\" %s; --").empty());
  CHECK_THAT(check_queue_name(""), ContainsSubstring("empty"));
  CHECK_THAT(check_periodic_name(""), ContainsSubstring("a periodic job"));
  CHECK_THAT(check_queue_name("a\nb"), ContainsSubstring("control character"));
  CHECK_THAT(check_queue_name(std::string(201, 'x')),
             ContainsSubstring("201 bytes"));
}
