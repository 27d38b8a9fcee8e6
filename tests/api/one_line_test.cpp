// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What others say can have line breaks in it. What is rendered of it has not.

#include "support/log_file.hpp"
#include "support/plain_caf.hpp"
#include "troupe/config.hpp"
#include "troupe/dead_letter.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/stop_report.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"
#include "troupe/tree_status.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using testing_system = troupe::testing::system;

namespace {

constexpr const char* two_lines = "first\nsecond\x1b[2J";
constexpr const char* as_one_line = "first\\x0asecond\\x1b[2J";

void check_no_control(const std::string& text) {
  INFO(text);
  CHECK(std::none_of(text.begin(), text.end(),
                     [](char c) { return c >= 0 && c < ' '; }));
}

void check_line(const std::string& text) {
  CHECK_THAT(text, ContainsSubstring(as_one_line));
  check_no_control(text);
}

/// Says and throws what has two lines.
class talker : public troupe::worker {
public:
  troupe::task<> on_startup() override {
    degraded(two_lines);
    co_return;
  }

  troupe::task<> run() override {
    co_await stop_requested();
    throw std::runtime_error{two_lines};
  }

  troupe::status_fields describe() override {
    return {{"last", two_lines}};
  }
};

} // namespace

TEST_CASE("S28 S29 an event and a status are one line each, whatever is said") {
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<talker>("a");
  auto tree = troupe::spawn(sys, spec);
  troupe::event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  auto child = tree.child("a");
  check_line(to_string(child.status()));
  const auto text = to_string(tree.status_tree(1s));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  tree.shutdown();
  const auto how = child.outcome();
  REQUIRE(how);
  check_line(to_string(*how));
  check_line(to_string(child.status()));
  auto told = 0;
  for (auto& x : events.events())
    if (x.reason) {
      check_line(to_string(x));
      ++told;
    }
  CHECK(told == 2); // degraded, failed
  // The values have the text as it was.
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring(two_lines));
}

TEST_CASE("Q8 a dead letter is one line") {
  troupe::dead_letter x;
  x.path = "/a";
  x.thrown = std::make_exception_ptr(std::runtime_error{two_lines});
  check_line(to_string(x));
}

TEST_CASE("L27 the log has one line for each transition, whatever is said") {
  support::log_file file;
  {
    troupe::config config;
    file.attach_to(config);
    testing_system sys{config};
    auto ref = troupe::spawn<talker>(sys, {.name = "a"});
    REQUIRE_FALSE(ref.startup());
    // An error that is no reply is written down as well.
    support::tell(ref.actor(), caf::make_error(troupe::errc::cancelled,
                                               std::string{two_lines}));
    sys.run();
    ref.shutdown();
  }
  const auto all = file.lines("");
  for (auto& x : all) {
    INFO(x);
    CHECK((x.starts_with("INFO") || x.starts_with("WARN")
           || x.starts_with("ERROR")));
  }
  CHECK(file.lines("second").size() == 3);
  for (auto& x : file.lines("second"))
    check_no_control(x);
}
