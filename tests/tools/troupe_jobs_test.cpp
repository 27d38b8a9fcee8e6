// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// troupe-jobs as its user meets it: a program, and a store.

#include "durable/sqlite_engine.hpp"
#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <SQLiteCpp/SQLiteCpp.h>
#include <nlohmann/json.hpp>

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

using namespace troupe::durable;
using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

struct result {
  int code = -1;
  std::string out;
  std::string err;
};

/// A store with a job that waits, one in hand, and one that was buried.
class shop {
public:
  shop() {
    engine_.emplace(file(), durability::process);
    auto& x = *engine_;
    x.begin();
    for (const auto* to : {"Ann", "Ben", "Cid"})
      x.put({.queue = "mail",
             .type = "letter",
             .payload = R"({"to": ")" + std::string{to} + "\"}"});
    auto got = x.claim({.queue = "mail", .room = 2, .lease = 1h}).jobs;
    REQUIRE(got.size() == 2);
    x.end({.queue = "mail",
           .claim = got[0].claim,
           .what = {rules::job_state::buried, {.failures = 3}, {}},
           .error = "no such \x1b[31m address"});
    x.commit();
  }

  [[nodiscard]] std::string file(const std::string& name = "jobs.db") const {
    return folder_.file(name);
  }

  /// Calls the program.
  [[nodiscard]] result call(const std::string& words,
                            const std::string& input = {}) const {
    std::ofstream{file("in"), std::ios::binary} << input;
    const auto line = std::string{TROUPE_JOBS_PROGRAM} + ' ' + words + " <"
                      + file("in") + " >" + file("out") + " 2>" + file("err");
    const auto status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("out"),
            read("err")};
  }

  /// Calls it for this store.
  [[nodiscard]] result ask(const std::string& words,
                           const std::string& input = {}) const {
    return call(file() + ' ' + words, input);
  }

  [[nodiscard]] json ask_json(const std::string& words) const {
    const auto found = ask("--json " + words);
    CHECK(found.err.empty());
    CHECK(found.code == 0);
    return json::parse(found.out);
  }

private:
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream from{file(name), std::ios::binary};
    return {std::istreambuf_iterator<char>{from}, {}};
  }

  support::temporary_folder folder_;
  std::optional<sqlite_engine> engine_; // a program that has it open as well
};

} // namespace

TEST_CASE("J17 J18 troupe-jobs counts") {
  shop here;
  const auto text = here.ask("count");
  CHECK(text.code == 0);
  CHECK_THAT(text.out, StartsWith("QUEUE  WAITING  RUNNING  BURIED  DONE"));
  CHECK_THAT(text.out, ContainsSubstring("mail   1        1        1       0"));
  const auto found = here.ask_json("count");
  REQUIRE(found.size() == 1);
  CHECK(found[0]["queue"] == "mail");
  CHECK(found[0]["put"] == 3);
  CHECK(found[0]["buried"] == 1);
  CHECK(found[0]["oldest"] > 0);
  CHECK(here.ask_json("count none")[0]["put"] == 0);
  CHECK(text.err.empty());
}

TEST_CASE("J18 troupe-jobs tells an empty queue from an unknown one") {
  shop here;
  for (const auto* command : {"count none", "list none"}) {
    const auto answer = here.ask(command);
    CHECK(answer.code == 0);
    CHECK_THAT(answer.err,
               ContainsSubstring("was ever put into a queue \"none\" of"));
  }
  CHECK(here.ask("list mail --state done").err.empty());
}

TEST_CASE("J18 troupe-jobs lists and shows jobs, harmless for a terminal") {
  shop here;
  const auto all = here.ask("list");
  CHECK(all.code == 0);
  CHECK_THAT(all.out, ContainsSubstring("buried")
                        && ContainsSubstring("no such \\x1b[31m address"));
  const auto buried = here.ask_json("list mail --state=buried");
  REQUIRE(buried.size() == 1);
  CHECK(buried[0]["id"] == 1);
  CHECK(buried[0]["failures"] == 3);
  CHECK(buried[0]["payload"]["to"] == "Ann");
  CHECK(here.ask_json("list --after 1 --limit 1")[0]["id"] == 2);
  CHECK(here.ask_json("list none").empty());
  const auto shown = here.ask("show 1 3");
  CHECK(shown.code == 0);
  CHECK_THAT(shown.out, ContainsSubstring("payload   {\"to\": \"Ann\"}")
                          && ContainsSubstring("state     buried")
                          && ContainsSubstring("Cid"));
  const auto none = here.ask("show 1 77");
  CHECK(none.code == 3);
  CHECK_THAT(none.err, ContainsSubstring("no job 77 is in"));
  CHECK_THAT(none.out, ContainsSubstring("Ann"));
}

TEST_CASE("J17 J18 troupe-jobs requeues and purges") {
  shop here;
  CHECK(here.ask("requeue 1").out == "requeued 1\n");
  CHECK(here.ask_json("list --state waiting").size() == 2);
  auto refused = here.ask("requeue 1");
  CHECK(refused.code == 3);
  CHECK_THAT(refused.err, ContainsSubstring("no job 1 is buried in"));
  CHECK(here.ask_json("purge 1 3")["purged"] == json{1, 3});
  refused = here.ask("purge 2"); // is in hand
  CHECK(refused.code == 3);
  CHECK_THAT(refused.err, ContainsSubstring("no job 2 waits or is buried in"));
  CHECK(here.ask_json("count")[0]["purged"] == 2);
}

TEST_CASE("J1 J10 J11 troupe-jobs puts") {
  shop here;
  CHECK(here.ask(R"(put mail letter '{"to": "Dan"}' --priority=-3)").out
        == "job 4\n");
  CHECK(here.ask("put mail letter - --unique k --in 3600", "[1]").out
        == "job 5\n");
  const auto again = here.ask_json("put mail letter 1 --unique k");
  CHECK(again == json{{"id", 5}, {"existed", true}});
  const auto four = here.ask_json("show 4")[0];
  CHECK(four["priority"] == -3);
  CHECK(four["type"] == "letter");
  const auto five = here.ask_json("show 5")[0];
  CHECK(five["unique"] == "k");
  CHECK(five["payload"] == json{1});
  CHECK(five["run_at"] > five["put_at"]);
  CHECK(here.ask("put '' letter 1").code == 2);
  const auto broken = here.ask("put mail letter '{\"to\": '");
  CHECK(broken.code == 2);
  CHECK_THAT(broken.err, ContainsSubstring("the payload is no JSON"));
  const auto large = here.ask("put mail letter -",
                              '"' + std::string(17'000'000, 'x') + '"');
  CHECK(large.code == 2);
  CHECK_THAT(large.err, ContainsSubstring("17000002 bytes")
                          && ContainsSubstring("it may have 16777216"));
}

TEST_CASE("J18 troupe-jobs changes nothing that is no store") {
  shop here;
  auto refused = [&](const std::string& file, const std::string& why) {
    const auto found = here.call(file + " count");
    CHECK(found.code == 1);
    CHECK(found.out.empty());
    CHECK_THAT(found.err, StartsWith("troupe-jobs: ") && ContainsSubstring(file)
                            && ContainsSubstring(why));
  };
  refused(here.file("none.db"), "No such file");
  CHECK_FALSE(std::filesystem::exists(here.file("none.db")));
  std::ofstream{here.file("text")} << std::string(5000, 'x');
  refused(here.file("text"), "not a database");
  {
    SQLite::Database db{here.file("other.db"),
                        SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    db.exec("CREATE TABLE mine(x)");
  }
  refused(here.file("other.db"), "no jobs of troupe");
  {
    SQLite::Database db{here.file("other.db")};
    CHECK_FALSE(db.tableExists("troupe_job"));
    CHECK(db.execAndGet("PRAGMA journal_mode").getString() == "delete");
  }
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
    db.exec("UPDATE troupe_schema SET version = 1");
  }
  refused(here.file(), "version 1");
  {
    SQLite::Database db{here.file(), SQLite::OPEN_READWRITE};
    db.exec("UPDATE troupe_schema SET version = 99");
  }
  refused(here.file(), "version 99");
}

TEST_CASE("J18 troupe-jobs answers mistakes in the command line") {
  shop here;
  auto wrong = [&](const std::string& words, const std::string& why) {
    INFO(words);
    const auto found = here.call(words);
    CHECK(found.code == 2);
    CHECK(found.out.empty());
    CHECK_THAT(found.err,
               ContainsSubstring(why) && ContainsSubstring("see --help"));
  };
  wrong("", "no store is named");
  wrong("x.db", "no command is given");
  wrong("x.db lst", "no command lst");
  wrong("x.db list --colour", "no option --colour");
  wrong("x.db list --state odd", "waiting, running, buried or done");
  wrong("x.db list --limit 0", "from 1 to 1000000");
  wrong("x.db list a b", "more than one queue");
  wrong("x.db list --after", "--after needs a value");
  wrong("x.db count --limit 3", "--limit does not belong to count");
  wrong("x.db show", "needs the id of a job");
  wrong("x.db show twelve", "an id is \"twelve\"");
  wrong("x.db requeue -- -1", "an id is \"-1\"");
  wrong("x.db put mail", "put needs a queue, a type and JSON");
  wrong("x.db put mail letter 1 --priority 101", "from -100 to 100");
  CHECK_THAT(here.call("--help").out, ContainsSubstring("Usage: troupe-jobs"));
  CHECK(here.call("--help").code == 0);
  CHECK_THAT(here.call("--version").out, StartsWith("troupe-jobs "));
}
