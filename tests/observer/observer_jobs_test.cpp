// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/fake_jobs.hpp"
#include "support/observer_scene.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using support::fake_jobs;
using support::scene;
using support::token;
using support::with_token;

namespace {

json jobs_of(scene& it) {
  auto answer = it.get("/jobs.json");
  REQUIRE(answer);
  REQUIRE(answer->status == 200);
  return json::parse(answer->body);
}

} // namespace

TEST_CASE("J18 the observer shows the stores of jobs") {
  scene it;
  CHECK(jobs_of(it)["stores"].empty());
  CHECK_FALSE(it.status().contains("job_stores"));
  fake_jobs store{it.sys, "\"a.db\""};
  fake_jobs again{it.sys, "\"a.db\""};
  fake_jobs other{it.sys, "\"b\xff\""};
  store.with([&](auto& x) {
    x.now = {.queues = {{.queue = "m\xff<b>",
                         .put = 9,
                         .waiting = 3,
                         .running = 2,
                         .buried = 1,
                         .done = 3,
                         .oldest_wait = 1500ms,
                         .failures = 4}},
             .crashes = 5};
  });
  store.with([&](auto& x) {
    x.in_graves = {{.id = 17,
                    .queue = "mail",
                    .type = "letter",
                    .failures = 10,
                    .error = "no \"such\"\x1b address"}};
  });
  other.with([&](auto& x) { x.away = "disk I/O error"; });
  CHECK(it.status()["job_stores"] == 3);
  const auto found = jobs_of(it);
  CHECK(found["controls"] == false);
  REQUIRE(found["stores"].size() == 2);
  const auto& first = found["stores"][0];
  CHECK(first["store"] == "\"a.db\"");
  CHECK(first["crashes"] == 5);
  CHECK(first["queues"]
        == json{{{"queue", "m\\xff<b>"},
                 {"put", 9},
                 {"waiting", 3},
                 {"running", 2},
                 {"buried", 1},
                 {"done", 3},
                 {"purged", 0},
                 {"failures", 4},
                 {"oldest", 1.5}}});
  CHECK(first["buried"][0]["id"] == 17);
  CHECK(first["buried"][0]["error"] == "no \"such\"\x1b address");
  CHECK(found["stores"][1]["error"] == "disk I/O error");
}

TEST_CASE("J18 a job is requeued or purged with the token") {
  scene it{{.token = token}};
  fake_jobs store{it.sys, "\"a b\xff\""};
  store.with([&](auto& x) { x.in_graves = {{.id = 17}, {.id = 18}}; });
  const std::string where = "store=%22a%20b%5cxff%22";
  auto post = [&](const std::string& path) {
    auto answer = it.client.Post(path, with_token, "", "text/plain");
    REQUIRE(answer);
    return std::pair{answer->status, answer->body};
  };
  CHECK(it.client.Post("/jobs/purge?id=17&" + where)->status == 401);
  CHECK(store.with([](auto& x) { return x.done.empty(); }));
  CHECK(post("/jobs/requeue?id=17&" + where).first == 200);
  CHECK(post("/jobs/purge?id=18&" + where).first == 200);
  CHECK(store.with([](auto& x) { return x.done; })
        == std::vector<std::string>{"requeue 17", "purge 18"});
  auto refused = post("/jobs/purge?id=18&" + where);
  CHECK(refused.first == 404);
  CHECK_THAT(refused.second, ContainsSubstring("no job 18 is buried"));
  refused = post("/jobs/purge?id=18&store=none");
  CHECK(refused.first == 404);
  CHECK_THAT(refused.second, ContainsSubstring("there is no store none"));
  CHECK(post("/jobs/purge?id=x&" + where).first == 400);
  CHECK(post("/jobs/purge?id=18").first == 400);
  CHECK(post("/jobs/eat?id=18&" + where).first == 404);
  CHECK(it.get("/jobs/purge?id=18&" + where)->status == 405);
}

TEST_CASE("J18 a job is not changed by an observer without a token") {
  scene it;
  fake_jobs store{it.sys, "s"};
  store.with([&](auto& x) { x.in_graves = {{.id = 17}}; });
  CHECK(
    it.client.Post("/jobs/purge?id=17&store=s", with_token, "", "text/plain")
      ->status
    == 403);
  CHECK(store.with([](auto& x) { return x.done.empty(); }));
}
