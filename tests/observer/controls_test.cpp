// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/controls.hpp"

#include <catch2/catch_test_macros.hpp>

using troupe::observing::parse_command;

TEST_CASE("S19 S20 what somebody wants done is read from a path") {
  struct row {
    const char* target;
    const char* path; // null: it is no command
    const char* verb;
  };
  for (const auto& x : {
         row{"/children/tree/a/stop", "/tree/a", "stop"},
         row{"/children/tree/a/start", "/tree/a", "start"},
         row{"/children/tree/a/restart", "/tree/a", "restart"},
         row{"/children/tree/stop", "/tree", "stop"},
         row{"/children/stop/stop", "/stop", "stop"},
         row{"/children/tree/a/kill", nullptr, nullptr},
         row{"/children/tree/a/stop/", nullptr, nullptr},
         row{"/children/stop", nullptr, nullptr},
         row{"/children//stop", nullptr, nullptr},
         row{"/childrenstop", nullptr, nullptr},
         row{"/children", nullptr, nullptr},
         row{"/stop", nullptr, nullptr},
         row{"", nullptr, nullptr},
       }) {
    CAPTURE(x.target);
    auto found = parse_command(x.target);
    REQUIRE(found.has_value() == (x.path != nullptr));
    if (found) {
      CHECK(found->path == x.path);
      CHECK(found->verb == x.verb);
    }
  }
}
