// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The same for every database.

#include "durable/engine.hpp"

#include "durable/engine_calls.hpp"
#include "durable/places.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace engine_calls;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using rules::ending;
using rules::job_state;
using rules::tries;

TEMPLATE_TEST_CASE("J1 a job that was put is there for another process", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  const auto first = put(*a, {.payload = "{\"x\": \"\xc3\xa4\"}"});
  CHECK(first == receipt{1, false});
  a.reset();
  auto b = here.open();
  const auto got = claim(*b, 5);
  REQUIRE(got.size() == 1);
  CHECK(got[0].claim == claim_id{1, 1});
  CHECK(got[0].payload == "{\"x\": \"\xc3\xa4\"}");
  CHECK(got[0].type == "t");
  CHECK(got[0].before == tries{});
  CHECK(got[0].put_at == here.now());
}

TEMPLATE_TEST_CASE("J1 what was rolled back has never been", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  a->begin();
  a->put({.queue = "q", .type = "t", .payload = "1"});
  a->rollback();
  CHECK(a->count("q") == queue_totals{});
  CHECK(claim(*a).empty());
}

TEMPLATE_TEST_CASE("J3 jobs are claimed by priority, then time, then id", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);                                             // 1
  put(*a, {.run_at = here.now() - 5s});                // 2
  put(*a, {.priority = 3});                            // 3
  put(*a, {.priority = -3});                           // 4
  put(*a, {.run_at = here.now() - 5s, .priority = 3}); // 5
  put(*a);                                             // 6
  put(*a, {.queue = "other", .priority = 9});          // 7
  put(*a, {.run_at = here.now() + 1s, .priority = 9}); // 8
  CHECK(ids(claim(*a, 2)) == std::vector<job_id>{5, 3});
  CHECK(ids(claim(*a, 10)) == std::vector<job_id>{2, 1, 6, 4});
  CHECK(claim(*a, 10).empty());
  here.pass(1s);
  CHECK(ids(claim(*a, 10)) == std::vector<job_id>{8});
}

TEMPLATE_TEST_CASE("J3 nobody else gets a job while its lease holds", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  put(*a);
  CHECK(ids(claim(*a)) == std::vector<job_id>{1});
  CHECK(ids(claim(*b)) == std::vector<job_id>{2});
  CHECK(claim(*b).empty());
  here.pass(29s);
  CHECK_FALSE(b->lease_is_over());
  CHECK(recover(*b) == 0);
}

TEMPLATE_TEST_CASE("J4 a job that is done goes, or is kept for a while", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);
  put(*a);
  const auto got = claim(*a, 2);
  CHECK(finish(*a, got[0]));
  CHECK(finish(*a, got[1], ending::returned, 60s));
  CHECK(a->count("q") == queue_totals{.put = 2, .done = 2});
  auto forget = [&] {
    change(*a, [&] {
      a->forget_done();
      return 0;
    });
    return a->list({}).size();
  };
  CHECK(forget() == 1);
  here.pass(60s);
  CHECK(forget() == 0);
  CHECK(a->count("q") == queue_totals{.put = 2, .done = 2});
}

TEMPLATE_TEST_CASE("J5 a job that has failed waits, then comes again", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);
  CHECK(finish(*a, claim(*a).at(0), ending::failed));
  CHECK(claim(*a).empty());
  CHECK(a->next_run_at("q") == here.now() + 10s);
  CHECK(a->list({}).at(0).error == "it has ended otherwise");
  here.pass(10s);
  const auto again = claim(*a).at(0);
  CHECK(again.before == tries{1, 0});
  CHECK(again.claim.fence == 2);
}

TEMPLATE_TEST_CASE("J6 a job that kills its process is buried at last", "",
                   TROUPE_PLACES) {
  TestType here;
  put(*here.open());
  for (int i = 0; i < 3; ++i) {
    auto victim = here.open();
    recover(*victim);
    CHECK(claim(*victim).at(0).before == tries{0, i});
    here.lose(std::move(victim));
  }
  auto last = here.open();
  recover(*last);
  CHECK(claim(*last).empty());
  const auto job = last->list({}).at(0);
  CHECK(job.place == job_place::buried);
  CHECK(job.crashes == 3);
}

TEMPLATE_TEST_CASE("J6 a job that has crashed is claimed alone", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  here.lose(std::move(a));
  auto b = here.open();
  recover(*b);
  put(*b);
  CHECK(claim(*b, 9, {.hands_empty = false}).empty());
  CHECK(ids(claim(*b, 9)) == std::vector<job_id>{1});
  CHECK(ids(claim(*b, 9, {.hands_empty = false})) == std::vector<job_id>{2});
}

TEMPLATE_TEST_CASE("J7 a job that is given back keeps its place", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);
  put(*a);
  CHECK(finish(*a, claim(*a).at(0), ending::not_begun));
  const auto got = claim(*a, 2);
  CHECK(ids(got) == std::vector<job_id>{1, 2});
  CHECK(got[0].before == tries{});
  CHECK(got[0].claim.fence == 2);
}

TEMPLATE_TEST_CASE("J8 a claim that is over changes nothing", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  const auto stale = claim(*a).at(0);
  here.pass(31s);
  CHECK(b->lease_is_over());
  CHECK(recover(*b) == 1);
  CHECK(b->list({}).at(0).error == "its worker has not renewed its claim");
  // Nobody has it.
  CHECK_FALSE(finish(*a, stale));
  CHECK_FALSE(change(*a, [&] { return a->renew(stale.claim, 30s); }));
  // Somebody else has it.
  const auto fresh = claim(*b).at(0);
  CHECK(fresh.claim == claim_id{stale.claim.id, stale.claim.fence + 1});
  for (const auto how : {ending::returned, ending::failed, ending::forced,
                         ending::not_begun, ending::given_up})
    CHECK_FALSE(finish(*a, stale, how));
  CHECK(a->count("q") == queue_totals{.put = 1, .running = 1});
  CHECK(finish(*b, fresh));
  // It is done.
  CHECK_FALSE(finish(*a, stale));
  CHECK_FALSE(finish(*b, fresh));
  CHECK(a->count("q") == queue_totals{.put = 1, .done = 1});
}

TEMPLATE_TEST_CASE("J9 a claim that is renewed holds", "", TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  put(*a);
  const auto got = claim(*a).at(0);
  here.pass(29s);
  CHECK(change(*a, [&] { return a->renew(got.claim, 30s); }));
  here.pass(29s);
  CHECK_FALSE(a->lease_is_over());
  CHECK(recover(*a) == 0);
  CHECK(finish(*a, got));
}

TEMPLATE_TEST_CASE("J11 a key is there once while its job waits or runs", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  const auto first = put(*a, {.unique = "k"});
  CHECK_FALSE(first.existed);
  CHECK(put(*a, {.unique = "k"}) == receipt{first.id, true});
  CHECK_FALSE(put(*a, {.queue = "other", .unique = "k"}).existed);
  const auto got = claim(*a).at(0);
  CHECK(put(*a, {.unique = "k"}) == receipt{first.id, true});
  CHECK(finish(*a, got));
  const auto second = put(*a, {.unique = "k"});
  CHECK_FALSE(second.existed);
  CHECK(finish(*a, claim(*a).at(0), ending::given_up));
  CHECK_FALSE(put(*a, {.unique = "k"}).existed);
  CHECK(a->count("q")
        == queue_totals{.put = 3, .waiting = 1, .buried = 1, .done = 1});
  // The buried one cannot come back beside it.
  a->begin();
  CHECK_THROWS_MATCHES(a->requeue(second.id), engine_error,
                       MessageMatches(ContainsSubstring("unique key")));
  a->rollback();
}

TEMPLATE_TEST_CASE("J2 a job in a transaction of the user's goes with it", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  typename TestType::user db{here};
  db.execute("CREATE TABLE orders(n INTEGER)");
  const new_job x{.queue = "q", .type = "t", .payload = "1", .unique = "k"};
  for (const auto* end : {"ROLLBACK", "COMMIT"}) {
    db.begin();
    db.execute("INSERT INTO orders VALUES (1)");
    const auto first = a->put_in(db.transaction(), x);
    CHECK_FALSE(first.existed);
    CHECK(a->put_in(db.transaction(), x) == receipt{first.id, true});
    CHECK(a->count("q") == queue_totals{});
    db.execute(end);
  }
  CHECK(a->changed_by_others());
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
  CHECK(claim(*a).size() == 1);
}

TEMPLATE_TEST_CASE("J2 a job ends in a transaction of the user's", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  typename TestType::user db{here};
  put(*a);
  const auto got = claim(*a).at(0);
  auto done = [&](const claim_id& x) {
    return a->done_in(db.transaction(), "q", x, 0s);
  };
  auto end = [&](const claim_id& x) {
    return change(*a, [&] {
      return a->end({.queue = "q",
                     .claim = x,
                     .what = {job_state::waiting, {1, 0}, 0s},
                     .ended_by_user = true});
    });
  };
  db.begin();
  CHECK_FALSE(done({1, 99}));
  CHECK(done(got.claim));
  db.execute("ROLLBACK");
  // The transaction did not end it, so it is as the worker says.
  CHECK(end(got.claim));
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
  const auto again = claim(*a).at(0);
  db.begin();
  CHECK(done(again.claim));
  db.execute("COMMIT");
  CHECK(end(again.claim));
  CHECK(a->count("q") == queue_totals{.put = 1, .done = 1});
}

TEMPLATE_TEST_CASE("J2 a transaction has to be open", "", TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  typename TestType::user db{here};
  const new_job x{.queue = "q", .type = "t", .payload = "1"};
  CHECK_THROWS_MATCHES(static_cast<void>(a->put_in(db.transaction(), x)),
                       std::invalid_argument,
                       MessageMatches(ContainsSubstring("begin one first")));
}

TEMPLATE_TEST_CASE("J17 the account holds, and one can requeue and purge", "",
                   TROUPE_PLACES) {
  TestType here;
  auto a = here.open();
  for (int i = 0; i < 4; ++i)
    put(*a);
  CHECK(finish(*a, claim(*a).at(0), ending::given_up));
  CHECK(a->list({.place = job_place::buried}).size() == 1);
  CHECK(change(*a, [&] { return a->requeue(1); }));
  CHECK_FALSE(change(*a, [&] { return a->requeue(1); }));
  CHECK(claim(*a).at(0).before == tries{});
  CHECK_FALSE(change(*a, [&] { return a->purge(1); })); // it is in hand
  CHECK(change(*a, [&] { return a->purge(2); }));
  CHECK_FALSE(change(*a, [&] { return a->purge(2); }));
  CHECK(a->count("q")
        == queue_totals{.put = 4, .waiting = 2, .running = 1, .purged = 1});
  CHECK(balanced(a->count("q")));
  CHECK(a->list({.queue = "q", .after = 1, .at_most = 1}).at(0).id == 3);
  CHECK(a->list({.queue = "none"}).empty());
}
