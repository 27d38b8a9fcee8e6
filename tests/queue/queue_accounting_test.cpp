// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using support::scene_consumer;
using support::tell;
using troupe::outcome_kind;
using troupe::queue_counts;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using numbers = scene_consumer<int32_t>;
using worker = troupe::worker_ref<numbers>;

bool balanced(const queue_counts& x) {
  return x.sent == x.handled + x.in_progress + x.queued + x.dead_letters();
}

/// Looks again and again, on a thread of its own, whether the sum holds.
class auditor {
public:
  explicit auditor(worker who)
    : thread_([this, who = std::move(who)](std::stop_token stop) {
        while (!stop.stop_requested()) {
          auto x = who.queue();
          if (!balanced(x) || x.in_progress > 1 || x.sent < last_)
            ++wrong_;
          last_ = x.sent;
          ++looks_;
        }
      }) {
    // nop
  }

  /// How often it did not, in the end.
  int wrong() {
    while (looks_ == 0)
      std::this_thread::yield();
    thread_.request_stop();
    thread_.join();
    return wrong_;
  }

private:
  std::atomic<int> wrong_ = 0;
  std::atomic<std::uint64_t> looks_ = 0;
  std::uint64_t last_ = 0;
  std::jthread thread_;
};

/// A plain CAF actor that sends to itself and to the worker in turn.
void spawn_sender(caf::actor_system& sys, caf::actor to, int32_t n,
                  std::atomic<int>& done) {
  sys.spawn([to, n, &done](caf::event_based_actor* self) {
    auto rest = std::make_shared<int32_t>(n);
    support::tell_from(self, caf::actor{self}, int32_t{0});
    return caf::behavior{
      [self, to, rest, &done](int32_t) {
        for (int i = 0; i < 10 && *rest > 0; ++i, --*rest)
          support::tell_from(self, to, *rest);
        if (*rest > 0) {
          support::tell_from(self, caf::actor{self}, int32_t{0});
        } else {
          ++done;
          done.notify_all();
          self->quit();
        }
      },
    };
  });
}

/// How the life of the worker ends, while everybody sends.
struct ending {
  std::string name;
  std::function<void(const worker&)> end;
};

} // namespace

TEST_CASE("Q8 a message is in progress until the next get_message or the end") {
  testing_system sys;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    for (int i = 0; i < 2; ++i) {
      co_await w.get_message();
      co_await w.sleep_for(1s);
    }
  });
  for (int32_t i = 0; i < 3; ++i)
    ref.send(i);
  auto is = [&](std::uint64_t handled, std::uint64_t in_progress,
                std::uint64_t queued) {
    auto x = ref.queue();
    CHECK(x.handled == handled);
    CHECK(x.in_progress == in_progress);
    CHECK(x.queued == queued);
    CHECK(balanced(x));
  };
  is(0, 0, 3);
  ref.startup();
  sys.run();
  is(0, 1, 2);
  sys.advance(1s);
  is(1, 1, 1);
  CHECK(ref.wait_for_shutdown()->ok());
  is(2, 0, 0);
  CHECK(ref.queue().discarded == 1);
}

TEST_CASE("Q8 the message in progress at a failure or a force is lost") {
  testing_system sys;
  auto run = [&](auto body, auto end) {
    auto ref = troupe::spawn<numbers>(sys, {}, body);
    ref.send(1);
    ref.send(2);
    ref.startup();
    sys.run();
    end(ref);
    ref.wait_for_shutdown();
    auto x = ref.queue();
    CHECK(x.sent == 2);
    CHECK(x.handled == 0);
    CHECK(x.lost == 1);
    CHECK(x.discarded == 1);
    CHECK(balanced(x));
  };
  auto waits = [](numbers& w) -> task<> {
    co_await w.get_message();
    co_await w.sleep_for(1h);
  };
  auto throws = [](numbers& w) -> task<> {
    co_await w.get_message();
    throw std::runtime_error("cannot read it");
  };
  SECTION("failure") {
    run(throws, [](auto&) {});
  }
  SECTION("force") {
    run(waits, [](auto& ref) { ref.force_stop(); });
  }
  SECTION("kill") {
    run(waits, [](auto& ref) {
      auto actor = ref.actor();
      tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
    });
  }
}

TEST_CASE("Q8 the messages of an abandoned worker are counted as such") {
  std::latch begun{1};
  std::promise<void> go_on;
  support::real_system sys;
  auto ref
    = troupe::spawn<numbers>(sys,
                             {.stopping_grace_period = 0s, .force_period = 1ms},
                             [&](numbers& w) -> task<> {
                               co_await w.get_message();
                               auto f = [&] {
                                 begun.count_down();
                                 go_on.get_future().wait();
                               };
                               co_await w.offload(std::move(f));
                             });
  for (int32_t i = 0; i < 3; ++i)
    ref.send(i);
  ref.startup();
  begun.wait();
  SECTION("after a stop, which discards what is queued") {
    CHECK(ref.shutdown()->abandoned());
    CHECK(ref.queue().discarded == 2);
    CHECK(ref.queue().abandoned == 1);
  }
  SECTION("after a force") {
    ref.force_stop();
    CHECK(ref.wait_for_shutdown()->abandoned());
    CHECK(ref.queue().abandoned == 3);
  }
  ref.send(4);
  auto x = ref.queue();
  CHECK(x.in_progress == 0);
  CHECK(x.queued == 0);
  CHECK(x.closed == 1);
  CHECK(balanced(x));
  go_on.set_value();
  // Until the actor has let go of everything.
  while (ref.actor() != nullptr)
    std::this_thread::yield();
  CHECK(balanced(ref.queue()));
}

TEST_CASE(
  "Q8 a message handed to a wait that is destroyed stays accounted for") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    testing_system sys{{.seed = seed}};
    int resumed = 0;
    auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
      co_await w.get_message();
      ++resumed;
    });
    ref.startup();
    sys.run();
    ref.send(1); // is promised to the wait, which has not run yet
    CHECK(ref.queue().queued == 1);
    ref.force_stop();
    ref.wait_for_shutdown();
    CHECK(resumed == 0);
    auto x = ref.queue();
    CHECK(x.discarded == 1);
    CHECK(balanced(x));
  }
}

TEST_CASE(
  "Q8 the sum holds at every moment, whoever sends and however it ends") {
  constexpr int32_t each = 3000;
  const ending endings[] = {
    {"stop", [](const worker& w) { w.gracefully_stop(); }},
    {"drain", [](const worker& w) { w.drain(); }},
    {"force", [](const worker& w) { w.force_stop(); }},
    {"drain, then force",
     [](const worker& w) {
       w.drain();
       w.force_stop();
     }},
    {"kill",
     [](const worker& w) {
       if (auto actor = w.actor())
         tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
     }},
    {"failure", [](const worker& w) { w.send(-1); }},
    {"return", [](const worker& w) { w.send(-2); }},
    {"never started", [](const worker&) {}},
  };
  support::real_system sys;
  for (auto& [name, end] : endings) {
    CAPTURE(name);
    for (int round = 0; round < 5; ++round) {
      auto handled = std::make_shared<std::atomic<std::uint64_t>>(0);
      auto ref
        = troupe::spawn<numbers>(sys, {}, [handled](numbers& w) -> task<> {
            while (auto m = co_await w.get_message()) {
              if (*m == -1)
                throw std::runtime_error("told to fail");
              if (*m == -2)
                co_return;
              if (*m % 100 == 0)
                co_await w.yield();
              ++*handled;
            }
          });
      auto actor = ref.actor();
      std::atomic<int> done = 0;
      auditor audit{ref};
      std::atomic<std::uint64_t> taken = 0;
      {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 2; ++i)
          threads.emplace_back([&] {
            for (int32_t n = each; n > 0; --n)
              if (ref.send(n))
                ++taken;
          });
        for (int i = 0; i < 2; ++i)
          spawn_sender(sys, actor, each, done);
        if (name != "never started")
          ref.startup();
        while (ref.queue().sent < each)
          std::this_thread::yield();
        end(ref);
      }
      for (auto n = done.load(); n < 2; n = done.load())
        done.wait(n);
      if (name == "never started") {
        tell(actor,
             caf::exit_msg{actor.address(), caf::exit_reason::user_shutdown});
        actor = nullptr;
        while (ref.queue().discarded == 0)
          std::this_thread::yield();
      } else {
        CHECK(ref.wait_for_shutdown());
      }
      CHECK(audit.wrong() == 0);
      auto x = ref.queue();
      auto extra = name == "failure" || name == "return" ? 1u : 0u;
      CHECK(x.sent == 4 * each + extra);
      CHECK(balanced(x));
      CHECK(x.queued == 0);
      CHECK(x.in_progress == 0);
      CHECK(x.handled >= *handled);
      CHECK(x.handled <= *handled + 1);
    }
  }
}

TEST_CASE("Q8 nothing is queued any more when the actor system has gone") {
  worker unstarted;
  {
    testing_system sys;
    unstarted = troupe::spawn<numbers>(sys, {}, numbers::body{});
    unstarted.send(1);
    CHECK(unstarted.queue_size() == 1);
  }
  auto counts = unstarted.queue();
  CHECK(counts.queued == 0);
  CHECK(counts.discarded == 1);
  CHECK(balanced(counts));
}
