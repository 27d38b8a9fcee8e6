// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/store_view.hpp"

#include "durable/payloads.hpp"
#include "support/real_system.hpp"
#include "support/temporary_folder.hpp"
#include "system/runtime.hpp"

#include "troupe/durable.hpp"
#include "troupe/error.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::durable;

using Catch::Matchers::ContainsSubstring;
using troupe::detail::buried_job;
using troupe::detail::job_keeper;
using troupe::detail::job_store_figures;

namespace {

class clerk : public worker<letter> {
public:
  using worker::worker;

  troupe::task<> handle(const letter& x, job&) override {
    if (x.to == "nobody")
      throw std::runtime_error{"no such address"};
    co_return;
  }
};

class office : private payload_types {
public:
  [[nodiscard]] std::string file() const {
    return folder_.file("jobs.db");
  }

  /// Looks at the stores that are open, as an observer does.
  template <class F>
  std::size_t look(F f) {
    std::size_t n = 0;
    for (const auto& x :
         troupe::detail::runtime::of(system.sys())->jobs().places())
      n += x->look(f) ? 1 : 0;
    return n;
  }

private:
  support::temporary_folder folder_;

public:
  support::real_system system{2};
};

} // namespace

TEST_CASE("J18 those who look at an actor system find its stores") {
  office here;
  CHECK(here.look([](job_keeper&) {}) == 0);
  auto jobs = open(here.system, here.file());
  const auto mail = jobs.queue<letter>("mail");
  REQUIRE(mail.put({.to = "nobody"}));
  REQUIRE(mail.put({.to = "Ann"}));
  REQUIRE(mail.put({.to = "Ben"}, {.run_at = in(1h)}));
  REQUIRE(jobs.queue<letter>("later").put({}, {.run_at = in(1h)}));
  auto ref = troupe::spawn<clerk>(here.system, {.name = "clerk"}, mail,
                                  options{.max_failures = 1});
  ref.startup();
  auto figures = [&] {
    job_store_figures result;
    CHECK(here.look([&](job_keeper& x) {
      CHECK(x.name() == '"' + here.file() + '"');
      auto found = x.figures();
      REQUIRE(found);
      result = *found;
    }) == 1);
    return result;
  };
  auto all = figures();
  while (all.queues.at(1).done < 1 || all.queues.at(1).buried < 1)
    all = figures();
  ref.shutdown();
  CHECK(all.queues.at(0).queue == "later");
  CHECK(all.queues.at(0).oldest_wait == 0s); // its time has not come
  CHECK(all.queues.at(1).queue == "mail");
  CHECK(all.queues.at(1).put == 3);
  CHECK(all.queues.at(1).waiting == 1);
  CHECK(all.queues.at(1).failures == 1);
  CHECK(all.crashes == 0);

  std::vector<buried_job> graves;
  here.look([&](job_keeper& x) { graves = x.buried(0, 10).value(); });
  REQUIRE(graves.size() == 1);
  CHECK(graves[0].queue == "mail");
  CHECK(graves[0].type == "letter");
  CHECK(graves[0].failures == 1);
  CHECK(graves[0].error == "no such address");
  here.look([&](job_keeper& x) {
    CHECK(x.buried(graves[0].id, 10).value().empty());
    CHECK_FALSE(x.requeue(graves[0].id));
    CHECK(x.requeue(graves[0].id) == troupe::errc::not_found);
    CHECK(x.figures()->queues.at(1).oldest_wait > 0s);
    CHECK_FALSE(x.purge(graves[0].id));
    CHECK(x.purge(graves[0].id) == troupe::errc::not_found);
  });
  CHECK(figures().queues.at(1).purged == 1);
}

TEST_CASE("J14 J18 those who look at a store that fails are told why") {
  office here;
  auto jobs = open(here.system, here.file());
  REQUIRE(jobs.queue<letter>("mail").put({}));
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
    db.exec("ALTER TABLE troupe_queue RENAME TO hidden");
  }
  here.look([](job_keeper& x) {
    const auto found = x.figures();
    REQUIRE_FALSE(found);
    CHECK(found.error() == troupe::errc::store_failed);
    CHECK_THAT(troupe::text_of(found.error()),
               ContainsSubstring("troupe_queue"));
  });
}

TEST_CASE("J18 a store that is closed is seen by nobody any more") {
  office here;
  auto jobs = open(here.system, here.file());
  const auto places
    = troupe::detail::runtime::of(here.system.sys())->jobs().places();
  REQUIRE(places.size() == 1);
  jobs = {};
  CHECK_FALSE(places[0]->look([](job_keeper&) {}));
  CHECK(here.look([](job_keeper&) {}) == 0);
}
