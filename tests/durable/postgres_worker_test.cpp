// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Stores in PostgreSQL, and workers that have jobs there, in what servers and
// networks do.

#include "durable/office.hpp"
#include "support/cutting_proxy.hpp"

#include "troupe/event_log.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace office_room;

using Catch::Matchers::ContainsSubstring;
using moment = support::cutting_proxy::moment;
using troupe::event_kind;

namespace {

using office = basic_office<postgres_schema>;

/// A schema that is reached through a proxy.
class far_schema : public postgres_schema {
public:
  [[nodiscard]] std::string url() const {
    auto result = postgres_schema::url();
    const auto port = std::to_string(server().port());
    result.replace(result.find(port), port.size(),
                   std::to_string(proxy.port()));
    return result;
  }

  class user : public postgres_user {
  public:
    explicit user(const postgres_schema& where) : postgres_user(where.url()) {
      // nop
    }
  };

  support::cutting_proxy proxy{server().port()};
};

} // namespace

TEST_CASE("J1 a put whose answer is lost puts once") {
  basic_office<far_schema> here;
  for (const auto when : {moment::before, moment::after}) {
    here.place.proxy.cut_at("COMMIT", when);
    const auto before = here.count().put;
    const auto id = here.put("x").id;
    CHECK(here.count().put == before + 1);
    CHECK(here.list().back().id == id);
  }
  CHECK(here.place.proxy.cuts() == 2);
}

TEST_CASE("J1 when the time is over before it is known, the error says so") {
  basic_office<far_schema> here;
  here.put("x");
  here.place.proxy.cut_at("COMMIT", moment::after);
  const auto got = here.jobs.queue<letter>("mail").put({.to = "y"},
                                                       {.within = 0s});
  REQUIRE_FALSE(got);
  CHECK_THAT(to_string(got.error()), ContainsSubstring("not known whether"));
  here.put("z"); // and then it is known
  CHECK(here.count().put == 3);
}

TEST_CASE("J4 an end whose answer is lost is written once") {
  basic_office<far_schema> here;
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    // The next commit is that of its end.
    here.place.proxy.cut_at("COMMIT", moment::after);
    here.notes.note(x.to);
    co_return;
  });
  here.put("x");
  ref.startup();
  here.notes.lines(1);
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
  CHECK(here.notes.lines().size() == 1);
}

TEST_CASE("J2 a job ends together with its effect in PostgreSQL") {
  office here;
  here.execute("CREATE TABLE sent(who text)");
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job& j) -> task<> {
    here.notes.note(x.to);
    postgres_schema::user db{here.place};
    db.begin();
    db.execute("INSERT INTO sent VALUES ('" + x.to + "')");
    j.done_in(db.transaction());
    if (j.failures() > 0)
      db.execute("COMMIT"); // the first time it is forgotten
    co_return;
  });
  ref.startup();
  {
    postgres_schema::user db{here.place};
    db.begin();
    const auto mail = here.jobs.queue<letter>("mail");
    REQUIRE(mail.put(db.transaction(), {.to = "x"}));
    CHECK(here.count() == queue_totals{});
    db.execute("COMMIT");
  }
  here.notes.lines(2);
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 1, .done = 1});
  CHECK(postgres_schema::user{here.place}.execute("SELECT count(*) FROM sent")
        == "1");
}

TEST_CASE("J11 one that an open transaction keeps waiting is alone in that") {
  office here;
  postgres_schema::user db{here.place};
  db.begin();
  const auto mail = here.jobs.queue<letter>("mail");
  const auto theirs = mail.put(db.transaction(), {.to = "x"}, {.unique = "k"});
  REQUIRE(theirs);
  const auto late = mail.put({.to = "x"}, {.unique = "k", .within = 0s});
  REQUIRE_FALSE(late);
  CHECK_THAT(to_string(late.error()), ContainsSubstring("unique key"));
  std::jthread patient{[&] {
    const auto mine = mail.put({.to = "x"}, {.unique = "k", .within = 60s});
    here.notes.note(mine && mine->existed ? "existed" : "not");
  }};
  here.put("y");
  CHECK(here.notes.lines().empty());
  db.execute("COMMIT");
  CHECK(here.notes.lines(1).at(0) == "existed");
  CHECK(here.count() == queue_totals{.put = 2, .waiting = 2});
}

TEST_CASE("J14 workers wait for a server that is away, and say so") {
  office here;
  auto& server = postgres_schema::server();
  auto ref = here.hire(quick, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  troupe::event_log log{here.system};
  ref.startup();
  here.put("before");
  here.notes.lines(1);
  server.kill();
  // The worker waits for jobs, so the store sees it by itself.
  CHECK(log.wait_for(event_kind::degraded, "/clerk", 60s).has_value());
  const auto no = here.jobs.queue<letter>("mail").put({.to = "no"},
                                                      {.within = 0s});
  REQUIRE_FALSE(no);
  CHECK(no.error() == troupe::errc::store_failed);
  // A store can be opened all the same.
  auto early = here.open();
  server.start();
  CHECK(log.wait_for(event_kind::recovered, "/clerk", 60s).has_value());
  CHECK(early.queue<letter>("mail").put({.to = "after"}, {.within = 60s}));
  CHECK(here.notes.lines(2).at(1) == "after");
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 2, .done = 2});
}

TEST_CASE("J14 workers go on when their connections are ended") {
  office here;
  auto options = quick;
  options.concurrency = 4;
  auto ref = here.hire(options, [&](clerk&, const letter& x, job&) -> task<> {
    here.notes.note(x.to);
    co_return;
  });
  ref.startup();
  postgres_user admin{postgres_schema::server().url()};
  for (int i = 0; i < 60; ++i) {
    here.put("x");
    if (i % 10 == 5)
      admin.execute("SELECT count(pg_terminate_backend(pid)) "
                    "FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend'");
  }
  here.notes.lines(60);
  CHECK(ref.shutdown()->ok());
  CHECK(here.count() == queue_totals{.put = 60, .done = 60});
}
