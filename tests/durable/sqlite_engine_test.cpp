// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Stores in SQLite: the tests that no other engine has.

#include "durable/sqlite_engine.hpp"

#include "durable/engine_calls.hpp"
#include "durable/places.hpp"
#include "durable/sqlite_schema.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/stat.h>

using namespace std::chrono_literals;
using namespace engine_calls;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using rules::ending;
using rules::job_state;
using rules::tries;

TEST_CASE("J6 the jobs of a process that is gone are there at once") {
  sqlite_place here;
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
  sqlite_place here;
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
  sqlite_place here;
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

TEST_CASE("J9 a lease knows nothing of the wall clock") {
  sqlite_place here;
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

TEST_CASE("J2 a transaction has to be open, and of the same database") {
  sqlite_place here;
  auto a = here.open();
  SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
  SQLite::Database other{here.file() + "2",
                         SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  const new_job x{.queue = "q", .type = "t", .payload = "1"};
  auto attempt = [&](sqlite3* where) {
    static_cast<void>(a->put_in(transaction{where}, x));
  };
  CHECK_THROWS_MATCHES(attempt(db.getHandle()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("begin one first")));
  CHECK_THROWS_MATCHES(attempt(other.getHandle()), std::invalid_argument,
                       MessageMatches(ContainsSubstring("jobs.db2")));
  CHECK_THROWS_AS(attempt(nullptr), std::invalid_argument);
}

TEST_CASE("J15 tables of a newer version are refused with both numbers") {
  sqlite_place here;
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
  sqlite_place here;
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
  sqlite_place here;
  auto a = here.open();
  put(*a);
  CHECK(claim(*a).size() == 1);
  support::temporary_folder elsewhere;
  std::filesystem::create_symlink(here.file(), elsewhere.file("link.db"));
  auto b = here.open(elsewhere.file("link.db"));
  CHECK_FALSE(b->someone_is_gone());
  CHECK(recover(*b) == 0);
}
