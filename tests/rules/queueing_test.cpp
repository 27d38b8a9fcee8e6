// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/queueing.hpp"

#include "rules/settings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <initializer_list>
#include <limits>
#include <string>

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::rules;

using Catch::Matchers::ContainsSubstring;

namespace {

constexpr auto all_senders = {patience::none, patience::answer,
                              patience::for_room};

constexpr auto all_policies = {overflow::reject, overflow::drop_oldest,
                               overflow::drop_newest, overflow::block};

/// What each policy makes of each sender when the queue is full.
struct row {
  troupe::overflow policy;
  patience sender;
  admission result;
};

constexpr row full_queue[] = {
  {overflow::reject, patience::none, admission::reject},
  {overflow::reject, patience::answer, admission::reject},
  {overflow::reject, patience::for_room, admission::hold},
  {overflow::drop_oldest, patience::none, admission::drop_oldest},
  {overflow::drop_oldest, patience::answer, admission::drop_oldest},
  {overflow::drop_oldest, patience::for_room, admission::hold},
  {overflow::drop_newest, patience::none, admission::drop},
  {overflow::drop_newest, patience::answer, admission::drop},
  {overflow::drop_newest, patience::for_room, admission::hold},
  {overflow::block, patience::none, admission::reject},
  {overflow::block, patience::answer, admission::hold},
  {overflow::block, patience::for_room, admission::hold},
};

} // namespace

// -- what comes ------------------------------------------------------------------

TEST_CASE("Q5 a queue is full when as many wait as it has room for") {
  for (auto policy : all_policies) {
    for (auto sender : all_senders) {
      queue_view at{.capacity = 3, .overflow = policy};
      for (at.queued = 0; at.queued < 3; ++at.queued)
        CHECK(admit(at, sender) == admission::take);
      CHECK(admit(at, sender) != admission::take);
      // A message that was given out again can be one too many.
      at.queued = 4;
      CHECK(admit(at, sender) != admission::take);
    }
  }
}

TEST_CASE("Q5 what a full queue does depends on policy and sender") {
  for (auto& x : full_queue) {
    CAPTURE(static_cast<int>(x.policy), static_cast<int>(x.sender));
    const queue_view at{.queued = 1, .capacity = 1, .overflow = x.policy};
    CHECK(admit(at, x.sender) == x.result);
  }
  CHECK(std::size(full_queue) == all_policies.size() * all_senders.size());
}

TEST_CASE("Q5 a queue without a capacity is never full") {
  queue_view at;
  at.queued = std::numeric_limits<std::uint64_t>::max() - 1;
  for (auto sender : all_senders)
    CHECK(admit(at, sender) == admission::take);
}

TEST_CASE("Q6 Q7 a closed queue refuses, whether it is full or not") {
  for (auto policy : all_policies)
    for (auto sender : all_senders)
      for (std::uint64_t queued : {0u, 1u, 2u})
        CHECK(admit({true, queued, 1, policy}, sender) == admission::refuse);
}

// -- what fails ------------------------------------------------------------------

TEST_CASE("Q9 without retries the policy says what becomes of a message") {
  for (auto stop : {stopping::no, stopping::at_once, stopping::drains}) {
    for (int failures : {1, 2, 100}) {
      CHECK(after_failure(on_error::fail, failures, stop, 0)
            == setback{setback::verdict::fail});
      CHECK(after_failure(on_error::skip, failures, stop, 0)
            == setback{setback::verdict::skip});
    }
  }
}

TEST_CASE("Q9 a message is tried again n times, then skipped") {
  const auto policy = on_error::retry(
    3, {.initial = 1s, .max = 3s, .factor = 2.0, .jitter = 0.5});
  using enum setback::verdict;
  CHECK(after_failure(policy, 1, stopping::no, 0) == setback{retry, 1s});
  CHECK(after_failure(policy, 2, stopping::no, 0) == setback{retry, 2s});
  CHECK(after_failure(policy, 3, stopping::no, 0) == setback{retry, 3s});
  CHECK(after_failure(policy, 4, stopping::no, 0) == setback{skip});
  CHECK(after_failure(policy, 2, stopping::no, -1) == setback{retry, 1s});
  CHECK(after_failure(policy, 1, stopping::no, 1) == setback{retry, 1500ms});
}

TEST_CASE("Q9 zero retries are a skip, and no backoff is no delay") {
  using enum setback::verdict;
  CHECK(after_failure(on_error::retry(0), 1, stopping::no, 0) == setback{skip});
  CHECK(after_failure(on_error::retry(2), 2, stopping::no, 1)
        == setback{retry, 0s});
}

TEST_CASE(
  "Q9 from a stop on nothing waits: a drain tries again at once, others "
  "do not") {
  const auto policy = on_error::retry(3, {.initial = 1s});
  using enum setback::verdict;
  CHECK(after_failure(policy, 3, stopping::at_once, 0) == setback{put_off});
  CHECK(after_failure(policy, 4, stopping::at_once, 0) == setback{skip});
  CHECK(after_failure(policy, 3, stopping::drains, 0) == setback{retry, 0s});
  CHECK(after_failure(policy, 4, stopping::drains, 0) == setback{skip});
}

TEST_CASE("Q10 a message is given out again n times") {
  CHECK_FALSE(redelivered(0, 0));
  CHECK(redelivered(2, 0));
  CHECK(redelivered(2, 1));
  CHECK_FALSE(redelivered(2, 2));
}

// -- options ---------------------------------------------------------------------

TEST_CASE("Q5 Q9 Q10 what cannot be meant is named, with worker and field") {
  auto complaint = [](queue_options x) {
    return check(worker_options{.queue = x}, "printer");
  };
  CHECK(complaint({}).empty());
  CHECK(complaint({.capacity = 1,
                   .overflow = overflow::block,
                   .on_stop = on_stop::hand_over,
                   .on_error = on_error::retry(0, {.initial = 1s, .max = 1s}),
                   .redeliver = 3})
          .empty());
  const std::pair<queue_options, std::string> wrong[] = {
    {{.capacity = 0}, "queue.capacity"},
    {{.redeliver = -1}, "queue.redeliver"},
    {{.on_error = on_error::retry(-1)}, "queue.on_error.times"},
    {{.on_error = on_error::retry(1, {.initial = -1s})}, "backoff.initial"},
    {{.on_error = on_error::retry(1, {.initial = 2s, .max = 1s})},
     "backoff.max"},
    {{.on_error = on_error::retry(1, {.factor = 0.5})}, "backoff.factor"},
    {{.on_error = on_error::retry(1, {.jitter = 1.5})}, "backoff.jitter"},
  };
  for (auto& [options, field] : wrong) {
    CHECK_THAT(complaint(options), ContainsSubstring("worker \"printer\""));
    CHECK_THAT(complaint(options), ContainsSubstring(field));
  }
}
