// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Stores in PostgreSQL: the tests that no other engine has.

#include "durable/postgres_engine.hpp"

#include "durable/engine_calls.hpp"
#include "durable/places.hpp"
#include "support/cutting_proxy.hpp"
#include "support/deaf_listener.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

using namespace std::chrono_literals;
using namespace engine_calls;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using rules::ending;
using rules::tries;

namespace {

using moment = support::cutting_proxy::moment;

/// A place whose engines talk through a proxy.
class far_place : public postgres_place {
public:
  std::unique_ptr<postgres_engine> open_far() {
    auto where = url();
    const auto port = std::to_string(postgres_schema::server().port());
    where.replace(where.find(port), port.size(), std::to_string(proxy.port()));
    return std::make_unique<postgres_engine>(where, durability::process);
  }

  support::cutting_proxy proxy{postgres_schema::server().port()};
};

/// Ends the connections of others.
void cut_connections() {
  postgres_user{postgres_schema::server().url()}.execute(
    "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
}

std::string why(const std::string& url) {
  try {
    postgres_engine{url, durability::process};
    return {};
  } catch (const engine_error& e) {
    return e.what();
  }
}

} // namespace

TEST_CASE("a store in PostgreSQL that cannot be opened says why") {
  const auto& server = postgres_schema::server();
  const auto wrong_password = why(server.url("postgres", "hunter2"));
  CHECK_THAT(wrong_password,
             ContainsSubstring("\"postgresql://troupe@127.0.0.1:")
               && ContainsSubstring("password authentication failed")
               && ContainsSubstring("is the password right?"));
  CHECK_THAT(wrong_password, !ContainsSubstring("hunter2"));
  CHECK_THAT(why(server.url("none")),
             ContainsSubstring("database \"none\" does not exist"));
  CHECK_THAT(why("postgresql://host/base?nonsense=1"),
             ContainsSubstring("write it as postgresql://user@host"));
  for (const auto* port : {"543a2", "0", "65536", "-1", "1,b:x"})
    CHECK_THAT(why(std::string{"postgresql://troupe@127.0.0.1:"} + port + "/x"),
               ContainsSubstring("it must be a number from 1 to 65535"));
  postgres_user{server.url()}.execute("CREATE ROLE guest LOGIN PASSWORD 'x'");
  auto guest = server.url("postgres", "x");
  guest.replace(guest.find("troupe"), 6, "guest");
  CHECK_THAT(why(guest), ContainsSubstring("permission denied"));
}

TEST_CASE("J14 a server that is away at the start is waited for") {
  postgres_place here;
  auto& server = postgres_schema::server();
  server.stop();
  auto a = here.open();
  CHECK_THROWS_MATCHES(a->begin(), engine_error,
                       MessageMatches(ContainsSubstring("refused")));
  a->rollback();
  server.start();
  CHECK(put(*a).id == 1);
}

TEST_CASE("J14 a server that is slow to answer at the start is waited for") {
  // Connections come in, and nobody accepts them.
  const support::deaf_listener there;
  const auto url = "postgresql://troupe@127.0.0.1:"
                   + std::to_string(there.port())
                   + "/postgres?connect_timeout=1";
  const auto begin = std::chrono::steady_clock::now();
  postgres_engine slow{url, durability::process};
  CHECK(std::chrono::steady_clock::now() - begin >= 1s);
  CHECK_THROWS_MATCHES(slow.begin(), engine_error,
                       MessageMatches(ContainsSubstring("does not answer")));
}

TEST_CASE("J14 a store whose tables somebody has locked is waited for") {
  postgres_place here;
  auto a = here.open();
  postgres_place::user db{here};
  db.begin();
  db.execute("LOCK TABLE troupe_owner IN ACCESS EXCLUSIVE MODE");
  auto b = here.open(); // throws nothing
  CHECK_THROWS_MATCHES(b->begin(), engine_error,
                       MessageMatches(ContainsSubstring("lock timeout")));
  b->rollback();
  db.execute("ROLLBACK");
  CHECK(put(*b).id == 1);
}

TEST_CASE("J14 what was committed is there after the server has crashed") {
  postgres_schema schema; // whose engines wait for the disk
  postgres_engine a{schema.url(), durability::power_loss};
  put(a);
  const auto got = claim(a).at(0);
  auto& server = postgres_schema::server();
  server.kill();
  server.start();
  CHECK_THROWS_AS(a.begin(), engine_error);
  a.rollback();
  CHECK(finish(a, got));
  CHECK(a.count("q") == queue_totals{.put = 1, .done = 1});
}

TEST_CASE("J14 a connection that was ended is made again") {
  postgres_place here;
  auto a = here.open();
  a->begin();
  static_cast<void>(a->put({.queue = "q", .type = "t", .payload = "1"}));
  cut_connections();
  CHECK_THROWS_AS(a->commit(), engine_error);
  a->rollback();
  CHECK_FALSE(a->was_committed());
  CHECK(a->count("q") == queue_totals{});
  CHECK_FALSE(put(*a).existed);
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
}

TEST_CASE("J1 a commit whose answer was lost is recognised") {
  far_place here;
  auto a = here.open_far();
  for (const auto when : {moment::before, moment::after}) {
    const auto before = a->count("q").put;
    a->begin();
    static_cast<void>(a->put({.queue = "q", .type = "t", .payload = "1"}));
    here.proxy.cut_at("COMMIT", when);
    CHECK_THROWS_AS(a->commit(), engine_error);
    a->rollback();
    CHECK(a->was_committed() == (when == moment::after));
    CHECK(a->count("q").put == before + (when == moment::after ? 1 : 0));
    CHECK(balanced(a->count("q")));
  }
  CHECK(here.proxy.cuts() == 2);
  // The next change knows nothing of that.
  put(*a);
  CHECK_FALSE(a->was_committed());
}

TEST_CASE("J1 a commit that is still under way is waited for") {
  postgres_place here;
  here.execute("CREATE TABLE gate(x int); INSERT INTO gate VALUES (1)");
  // Its commit waits until the row can be had.
  here.execute("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
               "'BEGIN PERFORM 1 FROM gate FOR UPDATE; RETURN NULL; END'; "
               "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON troupe_job "
               "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
               "EXECUTE FUNCTION wait()");
  auto a = here.open();
  postgres_place::user other{here};
  other.begin();
  other.execute("SELECT * FROM gate FOR UPDATE");
  a->begin();
  static_cast<void>(a->put({.queue = "q", .type = "t", .payload = "1"}));
  // It gives up after a second, as for any lock.
  CHECK_THROWS_AS(a->commit(), engine_error);
  a->rollback();
  CHECK_FALSE(a->was_committed());
  other.execute("COMMIT");
  CHECK_FALSE(put(*a).existed);
  CHECK(a->count("q") == queue_totals{.put = 1, .waiting = 1});
}

TEST_CASE("J1 a job that is refused is no trouble to others") {
  postgres_place here;
  here.execute("ALTER TABLE troupe_job ADD CHECK (priority <> 13)");
  auto a = here.open();
  const new_job good{.queue = "q", .type = "t", .payload = "1"};
  auto bad = good;
  bad.priority = 13;
  auto zero = good;
  zero.unique = std::string{"a\0b", 3};
  auto no_text = good;
  no_text.unique = "\xff";
  const std::array<const new_job*, 5> all{&good, &bad, &zero, &no_text, &good};
  const auto answers = change(*a, [&] { return a->put_all(all); });
  REQUIRE(answers.size() == 5);
  CHECK(answers[0].what == outcome::done);
  CHECK(answers[1].what == outcome::refused);
  CHECK_THAT(answers[1].why, ContainsSubstring("check constraint"));
  CHECK(answers[2].what == outcome::refused);
  CHECK(answers[3].what == outcome::refused);
  CHECK_THAT(answers[3].why, ContainsSubstring("no UTF-8"));
  CHECK(answers[4].what == outcome::done);
  CHECK(a->count("q") == queue_totals{.put = 2, .waiting = 2});
}

TEST_CASE("J11 a key that an open transaction has is waited for") {
  postgres_place here;
  auto a = here.open();
  postgres_place::user db{here};
  const new_job keyed{.queue = "q", .type = "t", .payload = "1", .unique = "k"};
  const new_job other{.queue = "q", .type = "t", .payload = "1"};
  const std::array<const new_job*, 3> all{&keyed, &other, &keyed};
  for (const auto* end : {"ROLLBACK", "COMMIT"}) {
    db.begin();
    const auto theirs = a->put_in(db.transaction(), keyed);
    auto answers = change(*a, [&] { return a->put_all(all); });
    CHECK(answers[0].what == outcome::busy);
    CHECK(answers[1].what == outcome::done);
    CHECK(answers[2].what == outcome::busy);
    db.execute(end);
    answers = change(*a, [&] { return a->put_all(all); });
    CHECK(answers[0].what == outcome::done);
    CHECK(answers[2].what == outcome::done);
    CHECK(answers[2].done.existed);
    CHECK(answers[0].done.id == answers[2].done.id);
    if (*end == 'C')
      CHECK(answers[0].done == receipt{theirs.id, true});
    else
      CHECK(change(*a, [&] { return a->purge(answers[0].done.id); }));
  }
  CHECK(balanced(a->count("q")));
}

TEST_CASE("J8 a claim that an open transaction ends holds until then") {
  postgres_place here;
  auto a = here.open();
  postgres_place::user db{here};
  put(*a);
  put(*a);
  const auto got = claim(*a, 2);
  db.begin();
  CHECK(a->done_in(db.transaction(), "q", got[0].claim, 0s));
  const std::array<renewal, 2> renewals{
    {{got[0].claim, 60s}, {got[1].claim, 60s}}};
  CHECK(change(*a, [&] { return a->renew_all(renewals); })
        == std::vector<bool>{true, true});
  here.pass(31s);
  CHECK(recover(*a) == 0); // one is renewed, the other one is not to be had
  const job_end failed{.queue = "q",
                       .claim = got[0].claim,
                       .what = rules::after(ending::uncommitted, {}, {}, 0s,
                                            0.0)};
  const job_end done{.queue = "q",
                     .claim = got[1].claim,
                     .what = rules::after(ending::returned, {}, {}, 0s, 0.0)};
  const std::array<const job_end*, 2> ends{&failed, &done};
  CHECK(change(*a, [&] { return a->end_all(ends); })
        == std::vector<outcome>{outcome::busy, outcome::done});
  db.execute("ROLLBACK");
  CHECK(change(*a, [&] { return a->end_all(ends); })
        == std::vector<outcome>{outcome::done, outcome::over});
}

TEST_CASE("J3 a job that an open transaction has locked is passed over") {
  postgres_place here;
  auto a = here.open();
  put(*a);
  put(*a);
  postgres_place::user db{here};
  db.begin();
  db.execute("SELECT * FROM troupe_job WHERE id = 1 FOR UPDATE");
  CHECK(ids(claim(*a, 9)) == std::vector<job_id>{2});
  CHECK(claim(*a, 9).empty());
  db.execute("COMMIT");
  CHECK(ids(claim(*a, 9)) == std::vector<job_id>{1});
}

TEST_CASE("J2 a transaction has to be one in the same PostgreSQL") {
  postgres_place here;
  postgres_place elsewhere;
  auto a = here.open();
  const new_job x{.queue = "q", .type = "t", .payload = "1"};
  auto attempt = [&](const transaction& tx) {
    static_cast<void>(a->put_in(tx, x));
  };
  postgres_place::user db{elsewhere};
  db.begin();
  CHECK_THROWS_MATCHES(attempt(db.transaction()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("search_path")));
  postgres_user none{postgres_schema::server().url()};
  none.begin();
  CHECK_THROWS_MATCHES(attempt(none.transaction()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("another database")));
  // Which it can go on with.
  CHECK(none.execute("SELECT 1") == "1");
  CHECK_THROWS_AS(none.execute("SELECT 1/0"), std::runtime_error);
  CHECK_THROWS_MATCHES(attempt(none.transaction()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("roll it back")));
  CHECK_THROWS_AS(attempt(transaction{static_cast<sqlite3*>(nullptr)}),
                  std::invalid_argument);
}

TEST_CASE("J16 others are told of jobs that wait") {
  postgres_place here;
  auto a = here.open();
  auto b = here.open();
  CHECK(b->changed_by_others());
  CHECK_FALSE(b->has_news());
  put(*a);
  pollfd file{b->news_file(), POLLIN, 0};
  CHECK(::poll(&file, 1, 60'000) == 1);
  CHECK(b->changed_by_others());
  // News that come beside an answer are not lost.
  put(*a);
  CHECK(::poll(&file, 1, 60'000) == 1);
  CHECK(b->is_ready("q"));
  CHECK(b->has_news());
  CHECK(b->changed_by_others());
  CHECK_FALSE(b->has_news());
  // It does not tell itself.
  put(*b);
  CHECK(b->is_ready("q"));
  CHECK_FALSE(b->has_news());
}

TEST_CASE("J15 tables of a newer version are refused by PostgreSQL, too") {
  postgres_place here;
  auto a = here.open();
  here.execute("UPDATE troupe_schema SET version = 7");
  CHECK_THAT(why(here.url()),
             ContainsSubstring("version 7") && ContainsSubstring("version 1;"));
  // Also by one that has been there before.
  cut_connections();
  CHECK_THROWS_AS(a->count("q"), engine_error);
  CHECK_THROWS_MATCHES(a->count("q"), engine_error,
                       MessageMatches(ContainsSubstring("version 7")));
}

TEST_CASE("J15 one of many processes makes the tables in PostgreSQL") {
  postgres_schema schema;
  std::vector<std::string> errors(8);
  {
    std::vector<std::jthread> threads;
    for (auto& x : errors)
      threads.emplace_back([&] { x = why(schema.url()); });
  }
  CHECK(errors == std::vector<std::string>(8));
}

TEST_CASE("J15 a migration of PostgreSQL's that fails has never been") {
  postgres_schema schema;
  postgres_user db{schema.url()};
  db.execute("CREATE TABLE troupe_owner(x int)"); // in its way
  CHECK_THAT(why(schema.url()), ContainsSubstring("troupe_owner"));
  CHECK(db.execute("SELECT to_regclass('troupe_job') IS NULL") == "t");
  db.execute("DROP TABLE troupe_owner");
  CHECK(why(schema.url()).empty());
}

TEST_CASE("J17 the tallies are added up, and the account holds") {
  postgres_place here;
  auto a = here.open();
  for (int i = 0; i < 300; ++i)
    put(*a);
  CHECK(a->count("q") == queue_totals{.put = 300, .waiting = 300});
  const auto rows
    = postgres_user{here.url()}.execute("SELECT count(*) FROM troupe_tally");
  CHECK(std::stoi(rows) < 130);
}

TEST_CASE("J18 a store of PostgreSQL's that has to be there is not made") {
  postgres_schema schema;
  auto look = [&] {
    return postgres_engine{schema.url(), durability::process,
                           if_missing::refuse}
      .queues();
  };
  CHECK_THROWS_MATCHES(look(), engine_error,
                       MessageMatches(ContainsSubstring("no tables of jobs")));
  postgres_user db{schema.url()};
  CHECK(db.execute("SELECT to_regclass('troupe_schema') IS NULL") == "t");
  postgres_engine made{schema.url(), durability::process};
  put(made, {.queue = "b"});
  put(made, {.queue = "a"});
  CHECK(look() == std::vector<std::string>{"a", "b"});
}
