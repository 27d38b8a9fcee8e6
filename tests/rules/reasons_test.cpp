// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/reasons.hpp"

#include "rules/complaints.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace troupe::rules;
using namespace troupe::rules::because;

TEST_CASE("L8 a reason names its subject once") {
  CHECK(reason("worker \"a\" (/a)", failed_to_start, "boom")
        == "worker \"a\" (/a) failed to start: boom");
  CHECK(reason("worker \"a\" (/a)", failed_to_start,
               "worker \"a\" (/a) has no luck")
        == "worker \"a\" (/a) failed to start: has no luck");
  CHECK(reason("worker \"a\" (/a)", failed_to_start,
               "worker \"b\" (/a/b) has no luck")
        == "worker \"a\" (/a) failed to start: worker \"b\" (/a/b) has no "
           "luck");
  CHECK(reason("me", failed_to_start, "me") == "me failed to start: me");
  CHECK(reason("me", failed_to_start, "me.") == "me failed to start: me.");
}

TEST_CASE("S5 a cause is the one with which it began") {
  const auto broke = "worker \"a\" (/t/m/a) failed: broke";
  for (auto what : {failed_to_start, gave_up, gave_up_at_once, child_did}) {
    const auto text = reason("worker \"m\" (/t/m)", what, broke);
    CHECK(first_cause(text, "worker \"m\" (/t/m)") == broke);
    CHECK(first_cause(text, "worker \"x\" (/t/x)") == text);
  }
  CHECK(first_cause(broke, "worker \"a\" (/t/m/a)") == broke);
  CHECK(first_cause("", "me").empty());
  CHECK(first_cause("me", "me") == "me");
}

TEST_CASE("L40 when a failure goes to standard error") {
  for (const auto failed : {false, true})
    for (const auto read : {false, true})
      for (const auto held : {false, true}) {
        CAPTURE(failed, read, held);
        const auto when = about(
          {.has_failed = failed, .was_read = read, .may_be_read = held});
        CHECK((when == complaint::now) == (failed && !read && !held));
        CHECK((when == complaint::later) == (failed && !read && held));
      }
}

TEST_CASE("L40 the words of a failure name its subject once") {
  const auto me = "worker \"a\" (/a)";
  const auto advice = std::string{"; nobody has looked at how it ended: see "
                                  "what outcome() or wait_for_shutdown() "
                                  "returns, or put it under a supervisor"};
  CHECK(unread_failure(me, "worker \"a\" (/a) failed: boom")
        == "worker \"a\" (/a) failed: boom" + advice);
  CHECK(unread_failure(me, "boom")
        == "worker \"a\" (/a) failed: boom" + advice);
}
