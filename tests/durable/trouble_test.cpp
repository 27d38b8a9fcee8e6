// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Mistakes and accidents, as programs and machines have them.

#include "durable/payloads.hpp"
#include "support/real_system.hpp"
#include "support/small_disk.hpp"
#include "support/temporary_folder.hpp"

#include "troupe/durable.hpp"
#include "troupe/error.hpp"
#include "troupe/event_log.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::durable;

using Catch::Matchers::ContainsSubstring;
using troupe::event_kind;

namespace {

/// While it lives, the process has the rights of a user who has none.
class without_rights {
public:
  without_rights() {
    if (user_ == 0)
      CHECK(::seteuid(65534) == 0);
  }

  without_rights(const without_rights&) = delete;

  without_rights& operator=(const without_rights&) = delete;

  ~without_rights() {
    if (user_ == 0)
      CHECK(::seteuid(user_) == 0);
  }

private:
  const uid_t user_ = ::geteuid();
};

/// Handles jobs when the gate is open.
class clerk : public worker<letter> {
public:
  clerk(queue<letter> source, std::latch& begun, std::latch& gate)
    : worker(std::move(source)), begun_(begun), gate_(gate) {
    // nop
  }

  troupe::task<> handle(const letter&, job&) override {
    if (!begun_.try_wait())
      begun_.count_down();
    auto waiting = offload([this] { gate_.wait(); });
    co_await std::move(waiting);
  }

private:
  std::latch& begun_;
  std::latch& gate_;
};

} // namespace

TEST_CASE("J1 a store that cannot be opened says which, why, and what to do") {
  payload_types types;
  support::real_system system{1};
  support::temporary_folder folder;
  auto why = [&](const std::string& path) {
    try {
      static_cast<void>(open(system, path));
      return std::string{};
    } catch (const store_error& e) {
      return std::string{e.what()};
    }
  };
  auto mode = [](const std::string& path, mode_t x) {
    REQUIRE(::chmod(path.c_str(), x) == 0);
  };
  CHECK_THAT(why(folder.file("none/jobs.db")),
             ContainsSubstring("cannot open the store of jobs")
               && ContainsSubstring("none/jobs.db")
               && ContainsSubstring("does the folder exist"));
  const auto file = folder.file("jobs.db");
  CHECK(why(file).empty());
  mode(folder.path().string(), 0755);
  mode(file, 0444);
  {
    without_rights us;
    CHECK_THAT(why(file), ContainsSubstring(file)
                            && ContainsSubstring("give this process the "
                                                 "right to write the file"));
  }
  mode(file, 0666);
  {
    without_rights us; // of the folder, in which there are more files
    CHECK_THAT(why(file),
               ContainsSubstring(file) && ContainsSubstring("and its folder"));
  }
  mode(file, 0);
  {
    without_rights us;
    CHECK_THAT(why(file), ContainsSubstring(file)
                            && ContainsSubstring("may this process write"));
  }
  mode(file, 0600);
  std::filesystem::resize_file(file, 5000);
  CHECK_THAT(why(file), ContainsSubstring(file)
                          && ContainsSubstring("malformed")
                          && ContainsSubstring("put a copy in its place"));
}

TEST_CASE("J3 a queue may have an odd name") {
  payload_types types;
  support::real_system system{1};
  support::temporary_folder folder;
  auto jobs = open(system, folder.file("jobs.db"),
                   {.durability = durability::process});
  const std::vector<std::string> names{"'; DROP TABLE troupe_job; --",
                                       "\"",
                                       "%s %n",
                                       "a/b",
                                       ".",
                                       "..",
                                       "<script>",
                                       "\xe2\x80\xaex",
                                       "\xff\xfe",
                                       std::string(200, 'x')};
  for (const auto& name : names) {
    INFO(name);
    REQUIRE(jobs.queue<letter>(name).put({.to = name}));
    const auto found = jobs.count(name);
    REQUIRE(found);
    CHECK(*found == queue_totals{.put = 1, .waiting = 1});
    const auto listed = jobs.list({.queue = name});
    REQUIRE(listed);
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().queue == name);
  }
}

TEST_CASE("J1 a payload of 100 MB is refused with both numbers") {
  payload_types types;
  support::real_system system{1};
  support::temporary_folder folder;
  auto jobs = open(system, folder.file("jobs.db"));
  const auto put
    = jobs.queue<std::string>("mail").put(std::string(100'000'000, 'x'));
  REQUIRE_FALSE(put);
  CHECK(put.error() == troupe::errc::invalid_argument);
  CHECK_THAT(troupe::text_of(put.error()),
             ContainsSubstring("100000002 bytes")
               && ContainsSubstring("16777216 at most")
               && ContainsSubstring("keep large data elsewhere"));
  CHECK(jobs.count("mail") == queue_totals{});
}

TEST_CASE("J13 a payload of another version is buried with the reason") {
  payload_types types;
  std::latch begun{1};
  std::latch gate{0};
  support::real_system system{2};
  support::temporary_folder folder;
  const auto file = folder.file("jobs.db");
  auto jobs = open(system, file, {.durability = durability::process});
  const auto mail = jobs.queue<letter>("mail");
  auto write = [&](const std::string& type, const std::string& payload) {
    SQLite::Database db{file, SQLite::OPEN_READWRITE, 5000};
    SQLite::Statement row{db, "INSERT INTO troupe_job(queue, type, payload, "
                              "run_at, put_at) VALUES ('mail', ?, ?, 0, 0)"};
    row.bind(1, type);
    row.bind(2, payload);
    row.exec();
  };
  write("letter_v2", R"({"to": "Ann", "text": ""})"); // a type nobody knows
  write("letter", R"({"recipient": "Ann"})");         // a field is gone
  write("letter", R"({"to": "Ann", "text": "", "colour": 3})"); // one is new
  REQUIRE(mail.put({.to = "last"}));
  auto ref = troupe::spawn<clerk>(system, {.name = "clerk"}, mail,
                                  std::ref(begun), std::ref(gate));
  ref.startup();
  begun.wait();
  while (jobs.count("mail")->waiting + jobs.count("mail")->running > 0)
    std::this_thread::yield();
  ref.shutdown();
  const auto left = jobs.list();
  REQUIRE(left);
  REQUIRE(left->size() == 2);
  for (const auto& x : *left)
    CHECK(x.place == job_place::buried);
  CHECK_THAT(left->at(0).error,
             ContainsSubstring("the payload is a letter_v2; its worker "
                               "handles letter"));
  CHECK_THAT(left->at(1).error,
             ContainsSubstring("cannot be read") && ContainsSubstring("to"));
}

TEST_CASE("J14 a disk that is full loses nothing, and is said to be full") {
  payload_types types;
  support::small_disk disk;
  std::latch begun{1};
  std::latch gate{1};
  support::real_system system{2};
  auto jobs = open(system, disk.file("jobs.db"),
                   {.durability = durability::process});
  const auto mail = jobs.queue<letter>("mail");
  troupe::event_log log{system};
  auto ref = troupe::spawn<clerk>(system, {.name = "clerk"}, mail,
                                  std::ref(begun), std::ref(gate));
  ref.startup();
  std::uint64_t put = 0;
  auto try_to_put = [&](troupe::timespan within) {
    auto result = mail.put({.to = "x"}, {.within = within});
    put += result ? 1u : 0u;
    return result;
  };
  REQUIRE(try_to_put(10s));
  begun.wait();
  disk.fill();
  auto result = try_to_put(0s);
  while (result) // there was some room in blocks that are in use
    result = try_to_put(0s);
  CHECK(result.error() == troupe::errc::store_failed);
  CHECK_THAT(troupe::text_of(result.error()),
             ContainsSubstring("jobs.db") && ContainsSubstring(disk.trouble()));
  gate.count_down(); // a job is done, and its end cannot be written
  auto late = false;
  std::jthread patient{[&] { late = static_cast<bool>(try_to_put(120s)); }};
  REQUIRE(log.wait_for(event_kind::degraded, "/clerk", 60s));
  CHECK_THAT(ref.status().health_reason, ContainsSubstring(disk.trouble()));
  disk.make_room();
  patient.join();
  CHECK(late);
  CHECK(log.wait_for(event_kind::recovered, "/clerk", 60s));
  while (jobs.count("mail")->done < put)
    std::this_thread::yield();
  CHECK(ref.shutdown()->ok());
  CHECK(jobs.count("mail") == queue_totals{.put = put, .done = put});
}
