// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_engine.hpp"

#include "durable/sqlite_schema.hpp"
#include "durable/sqlite_user.hpp"
#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace std::chrono_literals;
using namespace troupe::durable;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using rules::ending;
using rules::job_state;
using rules::tries;

namespace {

/// A store in a new folder, with times that the test decides over, and any
/// number of engines as different processes would have.
class place {
public:
  std::unique_ptr<sqlite_engine> open() {
    return open(file());
  }

  std::unique_ptr<sqlite_engine> open(const std::string& path) {
    return std::make_unique<sqlite_engine>(
      path, durability::process,
      clocks{.wall = [this] { return wall; },
             .steady = [this] { return steady; }});
  }

  [[nodiscard]] std::string file() const {
    return folder_.file("jobs.db");
  }

  wall_time wall{1'000'000s};
  troupe::time_point steady{1000s};

private:
  support::temporary_folder folder_;
};

/// Calls `f` as a batch of its own.
template <class F>
auto change(engine& x, F f) {
  x.begin();
  auto result = f();
  x.commit();
  return result;
}

receipt put(engine& x, new_job what = {}) {
  what.queue = what.queue.empty() ? "q" : what.queue;
  what.type = "t";
  what.payload = what.payload.empty() ? "1" : what.payload;
  return change(x, [&] { return x.put(what); });
}

std::vector<claimed_job> claim(engine& x, std::size_t room = 1,
                               claim_order what = {}) {
  what.queue = "q";
  what.room = room;
  if (what.lease == 0s)
    what.lease = 30s;
  what.max_crashes = 3;
  return change(x, [&] { return x.claim(what); }).jobs;
}

bool finish(engine& x, const claimed_job& what, ending how = ending::returned,
            troupe::timespan keep = 0s) {
  const rules::limits limit{.backoff = {.initial = 10s, .jitter = 0}};
  return change(x, [&] {
    return x.end(
      {.queue = "q",
       .claim = what.claim,
       .what = rules::after(how, what.before, limit, 5s, 0.0),
       .error = how == ending::returned ? "" : "it has ended otherwise",
       .keep_done = keep});
  });
}

std::size_t recover(engine& x) {
  return change(x, [&] { return x.recover(); });
}

std::vector<job_id> ids(const std::vector<claimed_job>& xs) {
  std::vector<job_id> result;
  for (const auto& x : xs)
    result.push_back(x.claim.id);
  return result;
}

bool balanced(const queue_totals& x) {
  return x.waiting + x.running + x.buried + x.done + x.purged == x.put;
}

} // namespace

TEST_CASE("J1 a job that was put is there for another process") {
  place here;
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
  CHECK(got[0].put_at == here.wall);
}

TEST_CASE("J1 what was rolled back has never been") {
  place here;
  auto a = here.open();
  a->begin();
  a->put({.queue = "q", .type = "t", .payload = "1"});
  a->rollback();
  CHECK(a->count("q") == queue_totals{});
  CHECK(claim(*a).empty());
}

TEST_CASE("J3 jobs are claimed by priority, then time, then id") {
  place here;
  auto a = here.open();
  put(*a);                                            // 1
  put(*a, {.run_at = here.wall - 5s});                // 2
  put(*a, {.priority = 3});                           // 3
  put(*a, {.priority = -3});                          // 4
  put(*a, {.run_at = here.wall - 5s, .priority = 3}); // 5
  put(*a);                                            // 6
  put(*a, {.queue = "other", .priority = 9});         // 7
  put(*a, {.run_at = here.wall + 1s, .priority = 9}); // 8
  CHECK(ids(claim(*a, 2)) == std::vector<job_id>{5, 3});
  CHECK(ids(claim(*a, 10)) == std::vector<job_id>{2, 1, 6, 4});
  CHECK(claim(*a, 10).empty());
  here.wall += 1s;
  CHECK(ids(claim(*a, 10)) == std::vector<job_id>{8});
}

TEST_CASE("J3 nobody else gets a job while its lease holds") {
  place here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  put(*a);
  CHECK(ids(claim(*a)) == std::vector<job_id>{1});
  CHECK(ids(claim(*b)) == std::vector<job_id>{2});
  CHECK(claim(*b).empty());
  here.steady += 29s;
  CHECK_FALSE(b->lease_is_over());
  CHECK(recover(*b) == 0);
}

TEST_CASE("J4 a job that is done goes, or is kept for a while") {
  place here;
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
  here.wall += 60s;
  CHECK(forget() == 0);
  CHECK(a->count("q") == queue_totals{.put = 2, .done = 2});
}

TEST_CASE("J5 a job that has failed waits, then comes again") {
  place here;
  auto a = here.open();
  put(*a);
  CHECK(finish(*a, claim(*a).at(0), ending::failed));
  CHECK(claim(*a).empty());
  CHECK(a->next_run_at("q") == here.wall + 10s);
  CHECK(a->list({}).at(0).error == "it has ended otherwise");
  here.wall += 10s;
  const auto again = claim(*a).at(0);
  CHECK(again.before == tries{1, 0});
  CHECK(again.claim.fence == 2);
}

TEST_CASE("J6 the jobs of a process that is gone are there at once") {
  place here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  put(*a);
  const auto got = claim(*a, 2);
  CHECK_FALSE(b->someone_is_gone());
  CHECK(recover(*b) == 0);
  // Its claims are still open, as if it had been killed.
  a.reset();
  CHECK(b->someone_is_gone());
  CHECK(recover(*b) == 2);
  CHECK_FALSE(b->someone_is_gone());
  const auto again = claim(*b, 1).at(0);
  CHECK(again.claim == claim_id{1, 2});
  CHECK(again.before == tries{0, 1});
  CHECK(b->list({}).at(0).error == "its process has gone with it in hand");
}

TEST_CASE("J6 the next process takes the jobs of the last one") {
  place here;
  auto a = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  a.reset();
  auto b = here.open();
  CHECK(b->someone_is_gone());
  CHECK(recover(*b) == 1);
  CHECK(claim(*b).size() == 1);
}

TEST_CASE("J6 owners of another boot are gone, whatever the locks say") {
  place here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE, 1000};
    db.exec("UPDATE troupe_owner SET boot = 'before' WHERE id = "
            + std::to_string(a->owner()));
  }
  CHECK(b->changed_by_others());
  CHECK(b->someone_is_gone());
  CHECK(recover(*b) == 1);
}

TEST_CASE("J6 a job that kills its process is buried after max_crashes") {
  place here;
  put(*here.open());
  for (int i = 0; i < 3; ++i) {
    auto victim = here.open();
    recover(*victim);
    CHECK(claim(*victim).at(0).before == tries{0, i});
  }
  auto last = here.open();
  recover(*last);
  CHECK(claim(*last).empty());
  const auto job = last->list({}).at(0);
  CHECK(job.place == job_place::buried);
  CHECK(job.crashes == 3);
}

TEST_CASE("J6 a job that has crashed is claimed alone") {
  place here;
  auto a = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  a.reset();
  auto b = here.open();
  recover(*b);
  put(*b);
  CHECK(claim(*b, 9, {.hands_empty = false}).empty());
  CHECK(ids(claim(*b, 9)) == std::vector<job_id>{1});
  CHECK(ids(claim(*b, 9, {.hands_empty = false})) == std::vector<job_id>{2});
}

TEST_CASE("J7 a job that is given back keeps its place") {
  place here;
  auto a = here.open();
  put(*a);
  put(*a);
  CHECK(finish(*a, claim(*a).at(0), ending::not_begun));
  const auto got = claim(*a, 2);
  CHECK(ids(got) == std::vector<job_id>{1, 2});
  CHECK(got[0].before == tries{});
  CHECK(got[0].claim.fence == 2);
}

TEST_CASE("J8 a claim that is over changes nothing") {
  place here;
  auto a = here.open();
  auto b = here.open();
  put(*a);
  const auto stale = claim(*a).at(0);
  here.steady += 31s;
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

TEST_CASE("J9 a claim that is renewed holds") {
  place here;
  auto a = here.open();
  put(*a);
  const auto got = claim(*a).at(0);
  here.steady += 29s;
  CHECK(change(*a, [&] { return a->renew(got.claim, 30s); }));
  here.steady += 29s;
  CHECK_FALSE(a->lease_is_over());
  CHECK(recover(*a) == 0);
  CHECK(finish(*a, got));
}

TEST_CASE("J9 a lease knows nothing of the wall clock") {
  place here;
  auto a = here.open();
  put(*a);
  const auto got = claim(*a).at(0);
  here.wall += 1h;
  CHECK_FALSE(a->lease_is_over());
  here.wall -= 2h;
  CHECK_FALSE(a->lease_is_over());
  CHECK(recover(*a) == 0);
  CHECK(finish(*a, got));
}

TEST_CASE("J11 a key is there once while its job waits or runs") {
  place here;
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

TEST_CASE("J2 a job in a transaction of the user's goes with it") {
  place here;
  auto a = here.open();
  SQLite::Database db{here.file(), SQLite::OPEN_READWRITE, 1000};
  db.exec("CREATE TABLE orders(n INTEGER)");
  const transaction tx{db.getHandle()};
  const new_job x{.queue = "q", .type = "t", .payload = "1", .unique = "k"};
  for (const auto* end : {"ROLLBACK", "COMMIT"}) {
    db.exec("BEGIN IMMEDIATE; INSERT INTO orders VALUES (1)");
    CHECK(in_sqlite::put(tx, a->location(), x, here.wall) == receipt{1, false});
    CHECK(in_sqlite::put(tx, a->location(), x, here.wall) == receipt{1, true});
    CHECK(a->count("q") == queue_totals{});
    db.exec(end);
  }
  CHECK(a->changed_by_others());
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
  CHECK(claim(*a).size() == 1);
}

TEST_CASE("J2 a job ends in a transaction of the user's") {
  place here;
  auto a = here.open();
  SQLite::Database db{here.file(), SQLite::OPEN_READWRITE, 1000};
  const transaction tx{db.getHandle()};
  put(*a);
  const auto got = claim(*a).at(0);
  auto done = [&](const claim_id& x) {
    return in_sqlite::done(tx, a->location(), "q", x, here.wall, 0s);
  };
  auto end = [&] {
    return change(*a, [&] {
      return a->end({.queue = "q",
                     .claim = got.claim,
                     .what = {job_state::waiting, {1, 0}, 0s},
                     .ended_by_user = true});
    });
  };
  db.exec("BEGIN IMMEDIATE");
  CHECK_FALSE(done({1, 99}));
  CHECK(done(got.claim));
  db.exec("ROLLBACK");
  // The transaction did not end it, so it is as the worker says.
  CHECK(end());
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
  const auto again = claim(*a).at(0);
  db.exec("BEGIN IMMEDIATE");
  CHECK(done(again.claim));
  db.exec("COMMIT");
  CHECK(end());
  CHECK(a->count("q") == queue_totals{.put = 1, .done = 1});
}

TEST_CASE("J2 a transaction has to be open, and of the same database") {
  place here;
  auto a = here.open();
  SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
  SQLite::Database other{here.file() + "2",
                         SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  const new_job x{.queue = "q", .type = "t", .payload = "1"};
  auto attempt = [&](sqlite3* where) {
    in_sqlite::put(transaction{where}, a->location(), x, here.wall);
  };
  CHECK_THROWS_MATCHES(attempt(db.getHandle()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("begin one first")));
  CHECK_THROWS_MATCHES(attempt(other.getHandle()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("jobs.db2")));
  CHECK_THROWS_AS(attempt(nullptr), std::invalid_argument);
}

TEST_CASE("J15 tables of a newer version are refused with both numbers") {
  place here;
  here.open();
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
    db.exec("UPDATE troupe_schema SET version = 7");
  }
  CHECK_THROWS_MATCHES(here.open(), engine_error,
                       MessageMatches(ContainsSubstring("version 7")
                                      && ContainsSubstring("version 2;")));
}

TEST_CASE("J15 a migration that did not come to its end has never been") {
  place here;
  {
    SQLite::Database db{here.file(),
                        SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    // In its way.
    db.exec("CREATE TABLE troupe_owner(x)");
  }
  CHECK_THROWS_AS(here.open(), engine_error);
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
    CHECK_FALSE(db.tableExists("troupe_schema"));
    CHECK_FALSE(db.tableExists("troupe_job"));
    db.exec("DROP TABLE troupe_owner");
  }
  CHECK(put(*here.open()).id == 1);
}

TEST_CASE("J17 the account holds, and one can requeue and purge") {
  place here;
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

TEST_CASE("a store that cannot be opened says why") {
  support::temporary_folder folder;
  auto why = [&](const std::string& path) {
    try {
      sqlite_engine{path, durability::process};
      return std::string{};
    } catch (const engine_error& e) {
      return std::string{e.what()};
    }
  };
  CHECK_THAT(why(folder.file("none/jobs.db")),
             ContainsSubstring("none/jobs.db")
               && ContainsSubstring("does the folder exist"));
  CHECK_THAT(why(""), ContainsSubstring("is a file"));
  CHECK_THAT(why(":memory:"), ContainsSubstring("is a file"));
  CHECK_THAT(why(folder.path().string()), ContainsSubstring("unable to open"));
  std::ofstream{folder.file("text")} << std::string(5000, 'x');
  CHECK_THAT(why(folder.file("text")),
             ContainsSubstring("not a database")
               && ContainsSubstring("name another file"));
}

TEST_CASE("symbolic links lead to the same owners") {
  place here;
  auto a = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  support::temporary_folder elsewhere;
  std::filesystem::create_symlink(here.file(), elsewhere.file("link.db"));
  auto b = here.open(elsewhere.file("link.db"));
  CHECK_FALSE(b->someone_is_gone());
  CHECK(recover(*b) == 0);
}
