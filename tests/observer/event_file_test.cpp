// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/event_file.hpp"

#include "support/real_system.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <caf/exit_reason.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using troupe::event_file;

namespace {

/// A file that is gone afterwards.
class temporary_file {
public:
  temporary_file()
    : path_(std::filesystem::temp_directory_path()
            / ("troupe-events-" + std::to_string(::getpid()) + ".jsonl")) {
    std::filesystem::remove(path_);
  }

  ~temporary_file() {
    std::filesystem::remove(path_);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept {
    return path_;
  }

  [[nodiscard]] std::vector<json> lines() const {
    std::vector<json> result;
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);)
      result.push_back(json::parse(line));
    return result;
  }

private:
  std::filesystem::path path_;
};

class sleeper : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

void live_once(caf::actor_system& sys) {
  auto ref = troupe::spawn<sleeper>(sys, {.name = "sleeper"});
  ref.startup();
  ref.shutdown();
}

} // namespace

TEST_CASE("S28 events go to a file, a line each") {
  temporary_file file;
  support::real_system sys;
  {
    event_file events{sys, file.path()};
    live_once(sys);
  }
  live_once(sys); // of which it knows nothing
  auto lines = file.lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0]["kind"] == "started");
  CHECK(lines[0]["path"] == "/sleeper");
  CHECK(lines[0]["at"] > 1.7e9);
  CHECK(lines[3]["kind"] == "stopped");
  SECTION("after what is there already") {
    {
      event_file more{sys, file.path()};
      live_once(sys);
      CHECK(more.missed() == 0);
    }
    CHECK(file.lines().size() == 8);
  }
}

TEST_CASE("S28 the file has the reason of a stop") {
  temporary_file file;
  support::real_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<sleeper>("child");
  auto tree = troupe::spawn(sys, spec);
  {
    event_file events{sys, file.path()};
    tree.startup();
    tree
      .terminate_child("child", caf::make_error(caf::exit_reason::user_shutdown,
                                                std::string{"for repair"}))
      .get();
  }
  tree.shutdown();
  auto found = 0;
  for (const auto& x : file.lines())
    if (x["kind"] == "stopping") {
      CHECK(x["path"] == "/tree/child");
      CHECK(x["reason"] == "for repair");
      ++found;
    }
  CHECK(found == 1);
}

TEST_CASE("S28 a file that cannot be opened is named") {
  support::real_system sys;
  try {
    event_file events{sys, "/nowhere/events.jsonl"};
    FAIL("it was opened");
  } catch (const std::system_error& e) {
    CHECK_THAT(e.what(), ContainsSubstring("/nowhere/events.jsonl"));
  }
}

TEST_CASE("S28 a full disk costs events, and nothing else") {
  support::real_system sys;
  event_file events{sys, "/dev/full"};
  live_once(sys);
  while (events.missed() < 4)
    std::this_thread::yield();
  CHECK(events.missed() == 4);
}
