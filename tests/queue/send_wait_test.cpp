// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/accounts.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/blocking_worker.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::errc;
using troupe::overflow;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = std::vector<std::string>;

/// Takes a message each second.
class slow : public troupe::queue_consumer<std::string> {
public:
  task<> run() override {
    while (auto m = co_await get_message()) {
      got.push_back(*m);
      co_await sleep_for(1s);
    }
  }

  texts got;
};

constexpr troupe::queue_options narrow{.capacity = 1};

} // namespace

TEST_CASE("Q16 send_wait waits for room, whatever overflow says") {
  for (auto policy : {overflow::reject, overflow::drop_oldest,
                      overflow::drop_newest, overflow::block}) {
    testing_system sys;
    auto ref = troupe::spawn<slow>(sys, {.queue = {.capacity = 1,
                                                   .overflow = policy}});
    ref.startup();
    const auto begin = sys.now();
    for (auto x : {"1", "2", "3", "4"})
      CHECK_FALSE(ref.send_wait(x, 10s));
    CHECK(sys.now() - begin == 2s);
    CHECK(ref.queue().dead_letters() == 0);
    ref.drain();
    CHECK(ref.wait_for_shutdown());
    CHECK(ref.worker()->got == texts{"1", "2", "3", "4"});
    CHECK(settled(ref.queue()));
  }
}

TEST_CASE("Q16 what was not sent in time counts nowhere") {
  testing_system sys;
  auto ref = troupe::spawn<slow>(sys, {.queue = narrow});
  ref.send("1"); // before the start nobody takes it out
  const auto begin = sys.now();
  std::string kept = "2";
  const auto late = ref.send_wait(kept, 3s);
  CHECK(late == errc::timed_out);
  CHECK_THAT(troupe::text_of(late),
             ContainsSubstring("slow") && ContainsSubstring("not sent"));
  CHECK(sys.now() - begin == 3s);
  CHECK(ref.send_wait(kept, 0s) == errc::timed_out);
  CHECK(kept == "2");
  CHECK(ref.queue().sent == 1);
  std::stop_source stop;
  stop.request_stop();
  CHECK(ref.send_wait(kept, stop.get_token()) == errc::cancelled);
  CHECK(ref.queue().sent == 1);
  CHECK(balanced(ref.queue()));
}

TEST_CASE("Q16 a queue that closes ends the wait") {
  testing_system sys;
  auto ref = troupe::spawn<slow>(sys, {.queue = narrow});
  auto ender = troupe::spawn<support::scene>(
    sys, {}, support::scene::body{[&](support::scene& self) -> task<> {
      static_cast<void>(co_await self.sleep_for(1s));
      ref.start();
      ref.gracefully_stop();
    }});
  ref.send("1");
  ender.startup();
  const auto begin = sys.now();
  CHECK(ref.send_wait("2", troupe::infinite) == errc::queue_closed);
  CHECK(sys.now() - begin == 1s);
  CHECK(ref.wait_for_shutdown());
  CHECK(ref.send_wait("3", 1s) == errc::queue_closed);
  CHECK(ref.queue().closed == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q16 threads that wait lose nothing and make no dead letters") {
  support::real_system sys;
  constexpr int each = 5'000;
  std::uint64_t sum = 0;
  auto ref = troupe::spawn<troupe::queue_worker<int32_t>>(
    sys, {.queue = {.capacity = 4, .on_stop = troupe::on_stop::drain}},
    [&sum](int32_t x) { sum += static_cast<std::uint64_t>(x); });
  ref.startup();
  std::vector<std::jthread> senders;
  for (int i = 0; i < 3; ++i)
    senders.emplace_back([&] {
      std::stop_source never;
      for (int k = 0; k < each; ++k)
        if (k % 2 == 0 ? ref.send_wait(1, 1h)
                       : ref.send_wait(1, never.get_token()))
          return;
    });
  senders.clear();
  CHECK(ref.shutdown());
  CHECK(sum == 3 * each);
  CHECK(ref.queue().dead_letters() == 0);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q16 L30 the end of the actor system ends the wait") {
  caf::error why;
  std::jthread sender;
  {
    support::real_system sys;
    auto ref = troupe::spawn<slow>(sys, {.queue = narrow});
    ref.send("1"); // nobody ever takes it out
    sender = std::jthread{
      [&why, ref] { why = ref.send_wait("2", troupe::infinite); }};
  }
  sender.join();
  CHECK(why == errc::queue_closed);
}

TEST_CASE("Q16 a stop token ends the wait of a blocking_worker") {
  class pump : public troupe::blocking_worker {
  public:
    explicit pump(troupe::worker_ref<slow> to) : to_(std::move(to)) {
      // nop
    }

    void run(std::stop_token stop) override {
      while (!why_)
        why_ = to_.send_wait("more", stop);
    }

    caf::error why_;

  private:
    troupe::worker_ref<slow> to_;
  };
  testing_system sys;
  auto to = troupe::spawn<slow>(sys, {.queue = narrow});
  auto ref = troupe::spawn<pump>(sys, {}, to);
  ref.startup();
  sys.run();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->why_ == errc::cancelled);
  CHECK(to.queue().queued == 1);
  CHECK(balanced(to.queue()));
}

TEST_CASE("Q16 P5 send_wait to a pool waits for any of its workers") {
  testing_system sys;
  troupe::pool_options options{.size = 2};
  options.each.worker.queue = narrow;
  auto pool = troupe::spawn(sys, troupe::worker_pool<slow>(options));
  pool.startup();
  const auto begin = sys.now();
  for (int i = 0; i < 6; ++i)
    CHECK_FALSE(pool.send_wait("x", 10s));
  CHECK(sys.now() - begin == 1s);
  pool.drain();
  CHECK(pool.wait_for_shutdown());
  CHECK(pool.queue().handled == 6);
}

TEST_CASE("Q16 L31 send_wait refuses where it would block an actor") {
  testing_system sys;
  auto to = troupe::spawn<slow>(sys, {});
  caf::error why;
  auto ref = troupe::spawn<support::scene>(
    sys, {}, support::scene::body{[&](support::scene&) -> task<> {
      why = to.send_wait("x", 1s);
      co_return;
    }});
  ref.startup();
  CHECK(ref.wait_for_shutdown());
  CHECK(why == errc::would_block);
  CHECK_THAT(troupe::text_of(why), ContainsSubstring("send_to"));
  CHECK(to.queue().sent == 0);
  CHECK(troupe::worker_ref<slow>{}.send_wait("x", 1s)
        == errc::invalid_argument);
}
