// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/channel.hpp"

#include "troupe/task.hpp"
#include "troupe/when.hpp"
#include "troupe/yield.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::gate;
using testing::loop_strand;

namespace {

struct fixture {
  // Notes what it receives until the channel is closed.
  task<> consume(channel<char>& ch, std::string& out) {
    counted x;
    while (auto c = co_await ch)
      out += *c;
    out += '.';
  }

  // Receives once.
  task<> receive(channel<char>& ch, std::string& out) {
    auto c = co_await ch.receive();
    out += c ? *c : '-';
  }

  fiber& start(task<> body) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(std::move(body), [](completion<void>) {});
    return *fibers.back();
  }

  fixture() {
    counted::reset();
  }

  ~fixture() {
    fibers.clear();
    CHECK(counted::alive() == 0);
    CHECK(counted::mistakes() == 0);
  }

  loop_strand strand;
  std::string a;
  std::string b;
  std::vector<std::unique_ptr<fiber>> fibers;
};

} // namespace

TEST_CASE_METHOD(fixture, "A4 a channel is first in, first out") {
  channel<char> ch;
  CHECK(ch.push('1'));
  CHECK(ch.push('2'));
  CHECK(ch.size() == 2);
  start(consume(ch, a));
  CHECK(a == "12");
  CHECK(ch.empty());
  ch.push('3');
  ch.push('4');
  strand.run();
  CHECK(a == "1234");
}

TEST_CASE_METHOD(fixture, "A4 a closed channel ends those who receive") {
  channel<char> ch;
  start(consume(ch, a));
  start(consume(ch, b));
  ch.push('1');
  ch.close();
  CHECK(ch.closed());
  strand.run();
  CHECK(a == "1.");
  CHECK(b == ".");
}

TEST_CASE_METHOD(fixture, "A4 what is in a closed channel can be received") {
  channel<char> ch;
  ch.push('1');
  ch.push('2');
  ch.close();
  CHECK_FALSE(ch.push('3'));
  start(consume(ch, a));
  CHECK(a == "12.");
}

TEST_CASE_METHOD(fixture, "A4 who waited first receives first") {
  channel<char> ch;
  start(receive(ch, a));
  start(receive(ch, b));
  ch.push('1');
  ch.push('2');
  strand.run();
  CHECK(a == "1");
  CHECK(b == "2");
}

TEST_CASE_METHOD(fixture, "A4 who comes late does not take what was promised") {
  channel<char> ch;
  start(receive(ch, a));
  ch.push('1');
  CHECK(ch.empty());
  CHECK_FALSE(ch.try_receive());
  start(receive(ch, b));
  CHECK(b.empty());
  strand.run();
  CHECK(a == "1");
  CHECK(b.empty());
  ch.push('2');
  strand.run();
  CHECK(b == "2");
}

TEST_CASE_METHOD(fixture, "A4 a value outlives the one that was to get it") {
  channel<char> ch;
  auto& first = start(receive(ch, a));
  SECTION("the next one who waits gets it") {
    start(receive(ch, b));
    ch.push('1');
    CHECK(first.cancel());
    strand.run();
    CHECK(b == "1");
  }
  SECTION("the next one who comes gets it") {
    ch.push('1');
    CHECK(first.cancel());
    CHECK(ch.size() == 1);
    start(receive(ch, b));
    CHECK(b == "1");
  }
  SECTION("also from a closed channel") {
    start(receive(ch, b));
    ch.push('1');
    ch.close();
    CHECK(first.cancel());
    strand.run();
    CHECK(b == "1");
  }
  CHECK(a.empty());
}

TEST_CASE_METHOD(fixture, "A4 who is destroyed no longer receives") {
  channel<char> ch;
  auto& first = start(receive(ch, a));
  start(receive(ch, b));
  CHECK(first.cancel());
  ch.push('1');
  strand.run();
  CHECK(b == "1");
}

TEST_CASE_METHOD(fixture, "A4 a channel takes what can only be moved") {
  channel<std::unique_ptr<int>> ch;
  int sum = 0;
  auto body = [&]() -> task<> {
    while (auto x = co_await ch)
      sum += **x;
  };
  start(body());
  ch.push(std::make_unique<int>(1));
  ch.push(std::make_unique<int>(2));
  ch.close();
  strand.run();
  CHECK(sum == 3);
}

TEST_CASE_METHOD(fixture, "A4 a channel in when_any loses nothing") {
  channel<char> ch;
  gate g;
  auto body = [&]() -> task<> {
    while (true) {
      const auto first = co_await when_any(g, ch.receive());
      if (first.index == 0) {
        a += '|';
      } else {
        const auto& c = std::get<1>(first.value);
        if (!c)
          break;
        a += *c;
      }
    }
    a += '.';
  };
  start(body());
  ch.push('1');
  strand.run();
  CHECK(a == "1");
  // Both are there; the gate wins, the value stays.
  g.open();
  ch.push('2');
  strand.run();
  CHECK(a == "1|2");
  ch.push('3');
  g.open();
  strand.run();
  CHECK(a == "1|23");
  ch.close();
  strand.run();
  CHECK(a == "1|23.");
}

TEST_CASE_METHOD(fixture, "A4 no value is lost or doubled, whatever happens") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::minstd_rand rng{seed + 1};
    channel<int> ch;
    std::vector<int> received;
    auto body = [&](int n) -> task<> {
      for (int i = 0; i < n; ++i) {
        auto x = co_await ch;
        if (!x)
          co_return;
        received.push_back(*x);
        co_await yield();
      }
    };
    int pushed = 0;
    std::vector<std::unique_ptr<fiber>> all;
    for (int step = 0; step < 100; ++step) {
      switch (rng() % 4) {
        case 0:
          all.push_back(std::make_unique<fiber>(strand));
          all.back()->start(body(static_cast<int>(rng() % 5)),
                            [](completion<void>) {});
          break;
        case 1:
          ch.push(pushed++);
          break;
        case 2:
          strand.run_ready(rng() % 4);
          break;
        default:
          if (!all.empty())
            all[rng() % all.size()]->cancel();
      }
    }
    strand.run();
    for (auto& x : all)
      x->cancel();
    while (auto x = ch.try_receive())
      received.push_back(*x);
    std::vector<int> expected;
    for (int i = 0; i < pushed; ++i)
      expected.push_back(i);
    CHECK(received == expected);
  }
}
