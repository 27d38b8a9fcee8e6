// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Who has the turn with a supervisor, and what comes next.

#include "supervisor/serial_queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using troupe::detail::serial_queue;

namespace {

/// Enters events that write a letter, and has them all.
struct scene {
  serial_queue list;
  std::string done;

  bool enter(char what, serial_queue::kind which) {
    serial_queue::event event = [this, what] { done += what; };
    return list.enter(event, which);
  }

  bool news(char what) {
    return enter(what, serial_queue::kind::news);
  }

  bool calls(char what) {
    return enter(what, serial_queue::kind::call);
  }

  /// Has what comes next.
  bool next() {
    serial_queue::event event;
    if (!list.next(event))
      return false;
    event();
    return true;
  }

  /// Has all, and returns what they wrote.
  std::string rest() {
    while (next())
      continue;
    return std::exchange(done, {});
  }
};

} // namespace

TEST_CASE("S16 whoever finds nobody at it has the turn") {
  scene x;
  CHECK(x.calls('a'));
  CHECK_FALSE(x.calls('b'));
  CHECK_FALSE(x.news('c'));
  CHECK(x.rest() == "cb");
  CHECK(x.news('d'));
  CHECK(x.rest().empty());
  CHECK(x.calls('e'));
}

TEST_CASE("S16 news come first, each kind in its order") {
  scene x;
  REQUIRE(x.calls('-'));
  for (auto c : {'1', '2', '3'})
    CHECK_FALSE(x.calls(c));
  for (auto c : {'a', 'b'})
    CHECK_FALSE(x.news(c));
  CHECK(x.next());
  CHECK(x.next());
  CHECK(x.next());
  CHECK_FALSE(x.news('c'));
  CHECK(x.rest() == "ab1c23");
}

TEST_CASE("S16 a call has its turn, however many news come") {
  scene x;
  REQUIRE(x.calls('-'));
  CHECK_FALSE(x.calls('!'));
  CHECK_FALSE(x.calls('?'));
  for (std::size_t i = 0; i < 3 * serial_queue::most_news; ++i) {
    // Each brings the next.
    CHECK_FALSE(x.news('.'));
    REQUIRE(x.next());
  }
  const std::string some(serial_queue::most_news, '.');
  CHECK(x.done.find('!') == serial_queue::most_news);
  CHECK(x.done.find('?') == 2 * serial_queue::most_news + 1);
  CHECK(x.done.starts_with(some + '!' + some + '?'));
}

TEST_CASE("S16 news that no call has waited for are not counted against it") {
  scene x;
  REQUIRE(x.news('-'));
  for (std::size_t i = 0; i < 2 * serial_queue::most_news; ++i) {
    CHECK_FALSE(x.news('.'));
    REQUIRE(x.next());
  }
  x.done.clear();
  CHECK_FALSE(x.calls('!'));
  CHECK_FALSE(x.news('a'));
  CHECK_FALSE(x.news('b'));
  CHECK(x.rest() == "ab!");
}

TEST_CASE("S16 of many threads one is at it at a time, and nothing is lost") {
  constexpr int threads = 4;
  constexpr int each = 2'000;
  serial_queue list;
  std::atomic<int> at_it = 0;
  std::atomic<bool> two_at_it = false;
  int done = 0; // of whoever has the turn
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          serial_queue::event what = [&done] { ++done; };
          if (!list.enter(what, (i + t) % 2 == 0 ? serial_queue::kind::news
                                                 : serial_queue::kind::call))
            continue;
          do {
            if (at_it.fetch_add(1) != 0)
              two_at_it = true;
            what();
            at_it.fetch_sub(1);
          } while (list.next(what));
        }
      });
  }
  CHECK(done == threads * each);
  CHECK_FALSE(two_at_it);
}
