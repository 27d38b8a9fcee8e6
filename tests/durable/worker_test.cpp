// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/worker.hpp"

#include "durable/office.hpp"
#include "durable/owner_locks.hpp"

#include "troupe/durable.hpp"
#include "troupe/event_log.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace office_room;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using troupe::event_kind;

namespace {

using office = basic_office<sqlite_place>;

#ifdef TROUPE_POSTGRES_BIN
using postgres_office = basic_office<postgres_schema>;
#  define TROUPE_OFFICES office, postgres_office
#else
#  define TROUPE_OFFICES office
#endif

} // namespace

TEMPLATE_TEST_CASE("J4 a job whose handler returns is done", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto options = quick;
  options.concurrency = 4;
  for (int i = 0; i < 50; ++i)
    here.put("early " + std::to_string(i));
  auto ref = here.hire(options,
                       [&](clerk& me, const letter& x, job&) -> task<> {
                         co_await me.sleep_for(0s);
                         here.notes.note(x.to);
                       });
  ref.startup();
  for (int i = 0; i < 50; ++i)
    here.put("late " + std::to_string(i));
  auto all = here.notes.lines(100);
  CHECK(ref.shutdown()->ok());
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  CHECK(here.count() == queue_totals{.put = 100, .done = 100});
}

TEMPLATE_TEST_CASE(
  "J5 a job whose handler throws comes again, and is buried at last", "",
  TROUPE_OFFICES) {
  TestType here;
  auto options = quick;
  options.max_failures = 3;
  auto ref = here.hire(options, [&](clerk&, const letter& x, job& j) -> task<> {
    here.notes.note(x.to + std::to_string(j.failures()));
    throw std::runtime_error{"no\nstamp"};
    co_return;
  });
  ref.startup();
  const auto id = here.put("x").id;
  CHECK(here.notes.lines(3) == std::vector<std::string>{"x0", "x1", "x2"});
  CHECK(ref.shutdown()->ok());
  const auto job = here.list().at(0);
  CHECK(job.place == job_place::buried);
  CHECK(job.failures == 3);
  CHECK(job.error == "no\\x0astamp");
  REQUIRE_FALSE(here.jobs.requeue(id));
  CHECK(here.list().at(0).failures == 0);
  CHECK(here.jobs.requeue(id) == troupe::errc::not_found);
  REQUIRE_FALSE(here.jobs.purge(id));
  CHECK(here.count() == queue_totals{.put = 1, .purged = 1});
}

TEMPLATE_TEST_CASE("J5 policy_for decides otherwise", "", TROUPE_OFFICES) {
  TestType here;
  auto ref = here.hire(
    quick,
    [&](clerk&, const letter& x, job&) -> task<> {
      here.notes.note(x.to);
      throw std::runtime_error{x.to};
      co_return;
    },
    [](const letter& x) {
      if (x.to == "bury")
        return troupe::on_error::skip;
      if (x.to == "fail")
        return troupe::on_error::fail;
      return troupe::on_error::retry(1, {.initial = 1ms});
    });
  ref.startup();
  here.put("bury");
  here.put("twice");
  CHECK(here.notes.lines(3)
        == std::vector<std::string>{"bury", "twice", "twice"});
  here.put("fail");
  const auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == troupe::outcome_kind::failed);
  CHECK_THAT(to_string(*how), ContainsSubstring("fail"));
  // The job has failed by the options, as any other one.
  const auto job = here.list().at(2);
  CHECK(job.place == job_place::waiting);
  CHECK(job.failures == 1);
}

TEMPLATE_TEST_CASE("J5 a worker that fails lets the other jobs in hand end", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto options = quick;
  options.concurrency = 2;
  std::latch both{2};
  auto ref = here.hire(
    options,
    [&](clerk& me, const letter& x, job&) -> task<> {
      auto meet = [&] { both.arrive_and_wait(); };
      co_await troupe::offload(meet, troupe::thread_use::own);
      if (x.to == "bad")
        throw std::runtime_error{"bad"};
      co_await me.sleep_for(10ms);
      here.notes.note(x.to);
    },
    [](const letter&) { return troupe::on_error::fail; });
  here.put("bad");
  here.put("good");
  ref.startup();
  CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::failed);
  CHECK(here.notes.lines() == std::vector<std::string>{"good"});
  CHECK(here.count() == queue_totals{.put = 2, .waiting = 1, .done = 1});
}

TEMPLATE_TEST_CASE(
  "J7 a stop gives back what was not begun, and waits for the rest", "",
  TROUPE_OFFICES) {
  TestType here;
  for (int i = 0; i < 5; ++i)
    here.put(std::to_string(i));
  auto options = quick;
  options.concurrency = 2;
  auto ref = here.hire(options,
                       [&](clerk& me, const letter& x, job&) -> task<> {
                         here.notes.note(x.to);
                         co_await me.stop_requested();
                         co_await me.sleep_for(1ms);
                       });
  ref.startup();
  CHECK(here.notes.lines(2) == std::vector<std::string>{"0", "1"});
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 5, .waiting = 3, .done = 2});
  for (const auto& x : here.list())
    CHECK((x.crashes == 0 && x.failures == 0));
}

TEMPLATE_TEST_CASE("J7 jobs that were claimed ahead are given back at a stop",
                   "", TROUPE_OFFICES) {
  TestType here;
  std::latch go{1};
  auto ref = here.hire(quick, [&](clerk& me, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    if (x.to != "wait")
      co_return;
    auto wait = [&] { go.wait(); };
    co_await troupe::offload(wait, troupe::thread_use::own);
    static_cast<void>(me);
  });
  // So that it knows that its jobs are short.
  for (int i = 0; i < 20; ++i)
    here.put("x");
  ref.startup();
  here.notes.lines(20);
  here.put("wait");
  for (int i = 0; i < 30; ++i)
    here.put("y", {.priority = -1});
  here.notes.lines(21);
  ref.gracefully_stop();
  go.count_down();
  CHECK(ref.wait_for_shutdown()->ok());
  const auto found = here.count();
  CHECK(found == queue_totals{.put = 51, .waiting = 30, .done = 21});
  for (const auto& x : here.list())
    CHECK((x.crashes == 0 && x.failures == 0));
}

TEMPLATE_TEST_CASE("J7 a job whose handler is forced has crashed", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto ref = here.hire(quick, [&](clerk& me, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    while (true)
      static_cast<void>(co_await me.sleep_for(1h));
  });
  ref.startup();
  here.put("x");
  here.notes.lines(1);
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::forced);
  const auto job = here.list().at(0);
  CHECK(job.place == job_place::waiting);
  CHECK(job.crashes == 1);
  CHECK_THAT(job.error, ContainsSubstring("forced"));
}

TEST_CASE("J8 a handler hears that its claim is lost, and changes nothing") {
  office here;
  troupe::event_log events{here.system};
  auto options = quick;
  options.lease = 100ms; // renewed, and found lost, after a third of that
  auto ref = here.hire(options, [&](clerk&, const letter& x, job& j) -> task<> {
    here.notes.note(x.to);
    auto wait = [token = j.stop_token()] { wait_for(token); };
    co_await troupe::offload(std::move(wait), troupe::thread_use::own);
    here.notes.note(j.lost() ? "lost" : "held");
  });
  ref.startup();
  here.put("x");
  here.notes.lines(1);
  // Somebody else has claimed it, who is there to stay.
  owner_locks other{here.place.file() + "-owners"};
  REQUIRE(other.lock(99));
  here.execute("UPDATE troupe_job SET claim = 9, owner = 99, "
               "lease_until = 9000000000000000000");
  here.execute("INSERT INTO troupe_owner VALUES (99, (SELECT boot FROM "
               "troupe_owner LIMIT 1), 1, 1)");
  CHECK(here.notes.lines(2).at(1) == "lost");
  const auto told = events.wait_for(event_kind::lost_claim, "/clerk", 60s);
  REQUIRE(told);
  CHECK(told->reason == troupe::errc::claim_lost);
  CHECK_THAT(to_string(*told),
             ContainsSubstring("lost_claim") && ContainsSubstring("job 1"));
  CHECK(ref.shutdown()->ok());
  CHECK(here.list().at(0).claim >= 9);
}

TEST_CASE("J9 a job that takes longer than max_run is lost") {
  office here;
  auto options = quick;
  options.lease = 100ms;
  options.max_run = 1ms;
  options.max_crashes = 2;
  auto ref = here.hire(options, [&](clerk&, const letter&, job& j) -> task<> {
    here.notes.note("crashes " + std::to_string(j.crashes()));
    auto wait = [token = j.stop_token()] { wait_for(token); };
    co_await troupe::offload(std::move(wait), troupe::thread_use::own);
    here.notes.note("lost");
  });
  troupe::event_log log{here.system};
  ref.startup();
  here.put("x");
  CHECK(here.notes.lines(4)
        == std::vector<std::string>{"crashes 0", "lost", "crashes 1", "lost"});
  CHECK(ref.shutdown()->ok());
}

TEMPLATE_TEST_CASE("J9 a worker whose code does not return loses its claims",
                   "", TROUPE_OFFICES) {
  TestType here;
  auto options = quick;
  options.lease = 100ms;
  std::latch go{1};
  auto stuck = here.hire(options, [&](clerk&, const letter&, job&) -> task<> {
    here.notes.note("stuck");
    go.wait(); // on the thread of the actor
    co_return;
  });
  stuck.startup();
  here.put("x");
  here.notes.lines(1);
  auto other = here.hire(options, [&](clerk&, const letter&, job& j) -> task<> {
    here.notes.note("crashes " + std::to_string(j.crashes()));
    co_return;
  });
  other.startup();
  CHECK(here.notes.lines(2).at(1) == "crashes 1");
  CHECK(other.shutdown()->ok());
  go.count_down();
  CHECK(stuck.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
}

TEMPLATE_TEST_CASE("J10 a job that has its time wakes a worker that waits", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  ref.startup();
  here.put("never", {.run_at = in(1000h)});
  here.put("now");
  here.notes.lines(1); // it waits then
  here.put("later", {.run_at = in(30ms)});
  CHECK(here.notes.lines(2) == std::vector<std::string>{"now", "later"});
  CHECK(ref.shutdown()->ok());
}

TEMPLATE_TEST_CASE("J16 a worker hears of jobs that another process has put",
                   "", TROUPE_OFFICES) {
  TestType here;
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  ref.startup();
  auto other = here.open(); // as another process has it
  CHECK(other.template queue<letter>("mail").put({.to = "x"}));
  here.notes.lines(1);
  CHECK(ref.shutdown()->ok());
}

TEMPLATE_TEST_CASE(
  "J13 jobs that cannot be read are buried, and the worker goes on", "",
  TROUPE_OFFICES) {
  TestType here;
  CHECK(here.jobs.template queue<std::string>("mail").put("a text"));
  here.put("x");
  here.execute("INSERT INTO troupe_job(queue, type, payload, run_at, put_at) "
               "VALUES ('mail', 'letter', '{\"to\": ', 0, 0)");
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  ref.startup();
  here.notes.lines(1);
  CHECK(ref.shutdown()->ok());
  const auto jobs = here.list();
  REQUIRE(jobs.size() == 2);
  for (const auto& x : jobs)
    CHECK((x.place == job_place::buried || x.id == 3));
  CHECK_THAT(jobs[0].error,
             ContainsSubstring("the payload is a std::string; its worker "
                               "handles letter"));
}

TEMPLATE_TEST_CASE("a handler puts its job off, or gives it up", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job& j) -> task<> {
    here.notes.note(x.to);
    if (x.to == "bad")
      j.bury("no such address");
    else if (here.notes.lines().size() < 3)
      j.snooze(1ms);
    co_return;
  });
  ref.startup();
  here.put("bad");
  here.put("late");
  here.notes.lines(3);
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 2, .buried = 1, .done = 1});
  CHECK(here.list().at(0).error == "no such address");
}

TEST_CASE("J2 a job ends together with its effect") {
  office here;
  here.execute("CREATE TABLE sent(who TEXT)");
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job& j) -> task<> {
    here.notes.note(x.to);
    SQLite::Database db{here.place.file(), SQLite::OPEN_READWRITE, 5000};
    SQLite::Transaction both{db, SQLite::TransactionBehavior::IMMEDIATE};
    db.exec("INSERT INTO sent VALUES ('" + x.to + "')");
    j.done_in(transaction{db.getHandle()});
    if (j.failures() > 0)
      both.commit(); // the first time it is forgotten
    co_return;
  });
  ref.startup();
  here.put("x");
  here.notes.lines(2);
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
  SQLite::Database db{here.place.file()};
  CHECK(db.execAndGet("SELECT count(*) FROM sent").getInt() == 1);
}

TEST_CASE("J14 a store that is locked is waited for, and says so") {
  office here;
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  troupe::event_log log{here.system};
  ref.startup();
  {
    SQLite::Database db{here.place.file(), SQLite::OPEN_READWRITE, 5000};
    SQLite::Transaction in_the_way{db, SQLite::TransactionBehavior::IMMEDIATE};
    const auto no = here.jobs.queue<letter>("mail").put({.to = "no"},
                                                        {.within = 0s});
    REQUIRE_FALSE(no);
    CHECK(no.error() == troupe::errc::store_failed);
    CHECK_THAT(to_string(no.error()), ContainsSubstring("database is locked"));
    std::jthread other{[&] { here.put("yes"); }};
    const auto told = log.wait_for(event_kind::degraded, "/clerk", 60s);
    CHECK(told.has_value());
    CHECK(ref.status().health_reason.find("locked") != std::string::npos);
    in_the_way.commit();
  }
  CHECK(here.notes.lines(1) == std::vector<std::string>{"yes"});
  CHECK(log.wait_for(event_kind::recovered, "/clerk", 60s).has_value());
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
}

TEMPLATE_TEST_CASE("J1 a worker puts jobs without blocking its thread", "",
                   TROUPE_OFFICES) {
  TestType here;
  auto mail = here.mail();
  auto ref
    = here.hire(quick, [&, mail](clerk&, const letter& x, job&) -> task<> {
        here.notes.note(x.to);
        if (x.to != "first")
          co_return;
        const auto refused = mail.put({.to = "blocking"});
        here.notes.note(caf::to_string(refused.error()));
        const letter next{.to = "second"};
        auto putting = mail.async_put(next);
        const auto written = co_await std::move(putting);
        here.notes.note(written ? "written" : caf::to_string(written.error()));
      });
  ref.startup();
  here.put("first");
  const auto lines = here.notes.lines(4);
  CHECK(ref.shutdown()->ok());
  CHECK(lines.at(0) == "first");
  CHECK_THAT(lines.at(1), ContainsSubstring("async_put"));
  CHECK(std::find(lines.begin(), lines.end(), "second") != lines.end());
  CHECK(std::find(lines.begin(), lines.end(), "written") != lines.end());
}

TEMPLATE_TEST_CASE("J1 jobs that many threads put are all there", "",
                   TROUPE_OFFICES) {
  TestType here;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n)
          if (!here.mail().put({.to = "x"}))
            here.notes.note("failed");
      });
  }
  CHECK(here.notes.lines().empty());
  CHECK(here.count() == queue_totals{.put = 400, .waiting = 400});
}

TEST_CASE("J1 bad input is refused with a text") {
  office here;
  const auto mail = here.jobs.queue<letter>("mail");
  auto why = [&](const letter& x, put_options how = {}) {
    const auto result = mail.put(x, std::move(how));
    REQUIRE_FALSE(result);
    CHECK(result.error() == troupe::errc::invalid_argument);
    return to_string(result.error());
  };
  CHECK_THAT(why({}, {.priority = 1000}), ContainsSubstring("priority"));
  CHECK_THAT(why({}, {.unique = std::string(1001, 'x')}),
             ContainsSubstring("the length of unique is 1001"));
  CHECK_THAT(why({.text = std::string(20'000'000, 'x')}),
             ContainsSubstring("16777216 at most"));
  CHECK_THROWS_AS(here.jobs.queue<letter>("\n"), std::invalid_argument);
  CHECK_THROWS_AS(store{}.queue<letter>("mail"), std::invalid_argument);
  CHECK(queue<letter>{}.put({}).error() == troupe::errc::invalid_argument);
  CHECK_THROWS_MATCHES(
    here.hire({.concurrency = 0}, nullptr), std::invalid_argument,
    MessageMatches(ContainsSubstring("queue \"mail\": concurrency is 0")));
  CHECK_THROWS_MATCHES(
    troupe::durable::open(here.system, "/none/jobs.db"), store_error,
    MessageMatches(ContainsSubstring("cannot open the store of jobs "
                                     "\"/none/jobs.db\"")));
  CHECK(here.count() == queue_totals{});
}

TEMPLATE_TEST_CASE("a durable worker lives under a supervisor as any other one",
                   "", TROUPE_OFFICES) {
  TestType here;
  troupe::supervisor_spec tree{.name = "post"};
  tree.add<clerk>(
    "clerk", {.worker = {}}, here.mail(), quick,
    clerk::handler{[&](clerk&, const letter& x, job& j) -> task<> {
      here.notes.note(x.to + std::to_string(j.failures()));
      if (j.failures() == 0)
        throw std::runtime_error{"once"};
      co_return;
    }},
    clerk::judge{[](const letter&) { return troupe::on_error::fail; }});
  {
    troupe::scoped_supervisor scope{here.system, tree};
    here.put("x");
    CHECK(here.notes.lines(2) == std::vector<std::string>{"x0", "x1"});
  }
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
}
