// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/periodic.hpp"

#include "durable/payloads.hpp"
#include "durable/periodic_jobs.hpp"
#include "durable/sqlite_engine.hpp"
#include "support/real_system.hpp"
#include "support/temporary_folder.hpp"

#include "troupe/durable.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::durable;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

/// A store with a wall clock of its own, and processes that have an hourly job.
class hours {
public:
  explicit hours(missed_slots missed = missed_slots::once, schedule when = 1h) {
    entry_.how.missed = missed;
    entry_.when = std::move(when);
  }

  std::unique_ptr<sqlite_engine> open() {
    return std::make_unique<sqlite_engine>(
      folder_.file("jobs.db"), durability::process,
      clocks{.wall = [this] { return now; }});
  }

  /// One process looks what is due.
  /// @returns when it has something to do again.
  wall_time look(engine& x) {
    x.begin();
    const auto result = put_due_slots(x, entry_, [this](const auto& text) {
      complaints.push_back(text);
    });
    x.commit();
    return result;
  }

  /// One process handles all jobs, which are gone then.
  static std::vector<job_id> handle_all(engine& x) {
    x.begin();
    const auto got = x.claim({.queue = "q", .room = 1000, .lease = 30s});
    std::vector<job_id> result;
    for (const auto& y : got.jobs) {
      CHECK(x.end({.queue = "q",
                   .claim = y.claim,
                   .what = {rules::job_state::done, {}, {}}}));
      result.push_back(y.claim.id);
    }
    x.commit();
    return result;
  }

  wall_time now{10h};
  std::vector<std::string> complaints;

private:
  support::temporary_folder folder_;
  periodic_entry entry_{.queue = "q",
                        .name = "digest",
                        .when = 1h,
                        .type = "t",
                        .payload = "1",
                        .how = {}};
};

} // namespace

TEST_CASE("J12 a slot has one job, however many processes look") {
  hours here;
  auto a = here.open();
  auto b = here.open();
  CHECK(here.look(*a) == wall_time{11h});
  CHECK(here.look(*b) == wall_time{11h});
  CHECK(a->count("q").put == 0); // a new one has missed nothing
  here.now += 1h;
  CHECK(here.look(*b) == wall_time{12h});
  CHECK(here.look(*a) == wall_time{12h});
  const auto found = a->list({});
  REQUIRE(found.size() == 1);
  CHECK(found[0].unique == "digest@1970-01-01T11:00:00Z");
  CHECK(found[0].run_at == wall_time{11h});
}

TEST_CASE("J12 a slot gets no second job when the first one is gone") {
  hours here;
  auto a = here.open();
  auto b = here.open();
  here.look(*a);
  here.now += 1h;
  here.look(*a);
  CHECK(hours::handle_all(*a).size() == 1);
  CHECK(here.look(*b) == wall_time{12h});
  CHECK(here.look(*a) == wall_time{12h});
  CHECK(here.look(*here.open()) == wall_time{12h}); // nor from a later process
  CHECK(a->count("q") == queue_totals{.put = 1, .done = 1});
}

TEST_CASE("J12 the job and the note of its slot are there together") {
  hours here;
  auto a = here.open();
  here.look(*a);
  here.now += 1h;
  periodic_jobs jobs;
  jobs.add(std::make_shared<periodic_entry>("q", "digest", 1h, "t", "1",
                                            periodic_options{}));
  CHECK(jobs.due() < here.now);
  a->begin();
  CHECK(jobs.put_due(*a, {}) == std::vector<std::string>{"q"});
  a->rollback(); // the disk was full
  CHECK(a->count("q").put == 0);
  CHECK(jobs.due() < here.now);
  a->begin();
  CHECK(jobs.put_due(*a, {}) == std::vector<std::string>{"q"});
  a->commit();
  jobs.committed();
  CHECK(a->count("q").put == 1);
  CHECK(jobs.due() == wall_time{12h});
}

TEST_CASE("J12 the next process puts what was missed, as it is told to") {
  struct row {
    missed_slots missed;
    std::uint64_t jobs;
  };
  for (const auto [missed, jobs] :
       {row{missed_slots::skip, 0}, row{missed_slots::once, 1},
        row{missed_slots::all, 300}}) {
    hours here{missed};
    here.look(*here.open());
    here.now += 300h + 30min;
    auto a = here.open();
    // Not all at once: others have their turn in between.
    while (here.look(*a) <= here.now)
      continue;
    CHECK(a->count("q").put == jobs);
    CHECK(here.look(*a) == here.now + 30min);
  }
}

TEST_CASE("J12 a wall clock that is set back brings no slot twice") {
  hours here;
  auto a = here.open();
  here.look(*a);
  here.now += 1h;
  here.look(*a);
  here.now -= 1h;
  CHECK(here.look(*a) == wall_time{12h});
  here.now += 1h;
  here.look(*a);
  CHECK(a->count("q").put == 1);
}

TEST_CASE("J12 the slots of a cron, where the clocks are set") {
  // Half past two in the morning; the 29th of March has none.
  hours here{missed_slots::all,
             cron("30 2 * * *", "CET-1CEST,M3.5.0,M10.5.0/3")};
  auto at = [](unsigned day) {
    return wall_time{std::chrono::sys_days{std::chrono::year{2026} / 3 / day}};
  };
  here.now = at(28);
  auto a = here.open();
  CHECK(here.look(*a) == at(28) + 90min);
  here.now = at(31);
  here.look(*a);
  std::vector<std::string> keys;
  for (const auto& x : a->list({}))
    keys.push_back(x.unique);
  std::ranges::sort(keys);
  CHECK(keys
        == std::vector<std::string>{"digest@2026-03-28T01:30:00Z",
                                    "digest@2026-03-29T01:00:00Z",
                                    "digest@2026-03-30T00:30:00Z"});
}

TEST_CASE("J10 J12 a store has the wall clock of the test") {
  payload_types types;
  support::temporary_folder folder;
  troupe::testing::system system;
  system.set_wall_clock(wall_time{24h * 365 * 100});
  auto jobs = open(system, folder.file("jobs.db"),
                   {.durability = durability::process});
  const auto mail = jobs.queue<letter>("mail");
  REQUIRE(mail.put(letter{.to = "all"}));
  const auto found = jobs.list({});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().run_at == wall_time{24h * 365 * 100});
}

TEST_CASE("J12 periodic jobs of two stores in one file come once") {
  payload_types types;
  support::temporary_folder folder;
  std::counting_semaphore<> handled{0};
  support::real_system system{2};
  auto open_it = [&] {
    return open(system, folder.file("jobs.db"),
                {.durability = durability::process});
  };
  auto first = open_it();
  auto second = open_it();
  const auto mail = first.queue<letter>("mail");

  struct clerk : worker<letter> {
    clerk(queue<letter> source, std::counting_semaphore<>& handled)
      : worker(std::move(source), {.keep_done = 1h}), handled_(handled) {
      // nop
    }

    troupe::task<> handle(const letter&, job&) override {
      handled_.release();
      co_return;
    }

    std::counting_semaphore<>& handled_;
  };

  auto wait_for_some = [&] {
    for (int i = 0; i < 5; ++i)
      handled.acquire();
  };
  auto ref = troupe::spawn<clerk>(system, {.name = "clerk"}, mail,
                                  std::ref(handled));
  ref.startup();
  auto a = every(mail, "digest", 20ms, letter{.to = "all"});
  auto b = every(second.queue<letter>("mail"), "digest", 20ms,
                 letter{.to = "all"});
  wait_for_some();
  a = {};
  wait_for_some(); // the other one goes on
  b = {};
  ref.shutdown();
  const auto found = first.list({.at_most = 100'000});
  REQUIRE(found);
  CHECK(found->size() >= 10);
  std::set<std::string> keys;
  for (const auto& x : *found)
    CHECK(keys.insert(x.unique).second);
}

TEST_CASE("J12 bad input is refused with a text") {
  payload_types types;
  support::temporary_folder folder;
  support::real_system system{2};
  auto jobs = open(system, folder.file("jobs.db"), {.max_payload = 1000});
  const auto mail = jobs.queue<letter>("mail");
  auto why = [&](auto f) {
    try {
      static_cast<void>(f());
      return std::string{};
    } catch (const std::invalid_argument& e) {
      return std::string{e.what()};
    }
  };
  CHECK_THAT(why([&] { return every(mail, "", 1h, letter{}); }),
             ContainsSubstring("periodic job is empty"));
  CHECK_THAT(why([&] { return every(mail, "x", 0s, letter{}); }),
             ContainsSubstring("at least 1 ms"));
  CHECK_THAT(why([&] {
               return every(mail, "x", 1h, letter{}, {.priority = 500});
             }),
             ContainsSubstring("priority is 500"));
  CHECK_THAT(why([&] {
               return every(mail, "x", 1h,
                            letter{.to = std::string(1001, 'x')});
             }),
             ContainsSubstring("1000 at most"));
  CHECK_THAT(why([&] { return every(queue<letter>{}, "x", 1h, letter{}); }),
             ContainsSubstring("belongs to no database"));
}

TEST_CASE("J15 tables of version 1 get those of version 2") {
  support::temporary_folder folder;
  const auto file = folder.file("jobs.db");
  {
    sqlite_engine x{file, durability::process};
    x.begin();
    x.put({.queue = "q", .type = "t", .payload = "1"});
    x.commit();
  }
  {
    SQLite::Database db{file, SQLite::OPEN_READWRITE};
    db.exec("DROP TABLE troupe_periodic; UPDATE troupe_schema SET version = 1");
  }
  sqlite_engine x{file, durability::process};
  CHECK(x.count("q").waiting == 1);
  CHECK_FALSE(x.last_slot("q", "digest"));
}
