// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Several messages at a time, and waits that end without one.

#include "troupe/batch_worker.hpp"

#include "support/accounts.hpp"
#include "support/dice.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::batch_worker;
using troupe::on_error;
using troupe::on_stop;
using troupe::outcome_kind;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = std::vector<std::string>;
using batches = std::vector<texts>;
using work = std::function<task<>(const texts&)>;

const std::string long_text = "a text that does not fit into the string object";

/// Gets batches and gives each to a function of the test.
class collector : public troupe::queue_consumer<std::string> {
public:
  collector(std::size_t most, troupe::timespan within, work what)
    : most_(most), within_(within), what_(std::move(what)) {
    // nop
  }

  task<> run() override {
    while (auto batch = co_await get_messages(most_, within_)) {
      auto call = what_(*batch);
      co_await std::move(call);
    }
  }

private:
  std::size_t most_;
  troupe::timespan within_;
  work what_;
};

work into(batches& all) {
  return [&all](const texts& x) -> task<> {
    all.push_back(x);
    co_return;
  };
}

using writer = batch_worker<std::string>;

} // namespace

// -- get_messages --------------------------------------------------------------

TEST_CASE("Q14 a batch has as many as are there, and no more than asked for") {
  testing_system sys;
  batches all;
  auto ref = troupe::spawn<collector>(sys, {}, 3, 0ms, into(all));
  for (auto x : {"1", "2", "3", "4", "5"})
    ref.send(x);
  ref.startup();
  sys.run();
  CHECK(all == batches{{"1", "2", "3"}, {"4", "5"}});
  CHECK(ref.queue().in_progress == 0);
  CHECK(ref.queue().handled == 5);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q14 it waits for others, from the first one on") {
  testing_system sys;
  batches all;
  auto ref = troupe::spawn<collector>(sys, {}, 3, 100ms, into(all));
  ref.startup();
  sys.advance(1h);
  ref.send("1");
  sys.advance(60ms);
  ref.send("2");
  sys.advance(39ms);
  CHECK(all.empty());
  CHECK(ref.queue().in_progress == 2);
  sys.advance(1ms);
  CHECK(all == batches{{"1", "2"}});
  all.clear();
  for (auto x : {"3", "4", "5"})
    ref.send(x);
  sys.run();
  CHECK(all == batches{{"3", "4", "5"}}); // enough, without a wait
  CHECK(balanced(ref.queue()));
  ref.shutdown();
}

TEST_CASE("Q14 a stop ends the wait: there is what there is, then none") {
  testing_system sys;
  batches all;
  auto ref = troupe::spawn<collector>(sys,
                                      {.queue = {.on_stop = on_stop::drain}}, 2,
                                      1h, into(all));
  ref.startup();
  ref.send("1");
  sys.run();
  CHECK(all.empty());
  const auto begin = sys.now();
  SECTION("at once") {
    ref.gracefully_stop();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(all == batches{{"1"}});
  }
  SECTION("what is drained comes in batches, too") {
    ref.shutdown();
    all.clear();
    auto slow = troupe::spawn<collector>(sys,
                                         {.queue = {.on_stop = on_stop::drain}},
                                         2, 1h, into(all));
    for (auto x : {"1", "2", "3", "4", "5"})
      slow.send(x);
    slow.startup();
    slow.gracefully_stop();
    CHECK(slow.wait_for_shutdown()->ok());
    CHECK(all == batches{{"1", "2"}, {"3", "4"}, {"5"}});
    CHECK(settled(slow.queue()));
  }
  CHECK(sys.now() == begin);
}

TEST_CASE("Q14 Q10 a crash brings all of a batch back, in order") {
  testing_system sys;
  batches all;
  auto fails = [&all](const texts& x) -> task<> {
    all.push_back(x);
    co_await troupe::yield();
    if (all.size() < 3)
      throw std::runtime_error{"told to fail"};
  };
  auto run = [&](int redeliver) {
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<collector>("child",
                        {.worker = {.queue = {.redeliver = redeliver}}},
                        std::size_t{3}, troupe::timespan{0}, work{fails});
    troupe::scoped_supervisor tree{sys, spec};
    troupe::worker_ref<collector> ref{tree->child("child")};
    for (auto x : {"1", "2", "3", "4"})
      ref.send(long_text + x);
    sys.run();
    CHECK(balanced(ref.queue()));
    tree.shutdown();
    CHECK(settled(ref.queue()));
    return ref.queue();
  };
  auto batch = [](texts xs) {
    for (auto& x : xs)
      x = long_text + x;
    return xs;
  };
  SECTION("up to n times") {
    const auto counts = run(2);
    CHECK(all
          == batches{batch({"1", "2", "3"}), batch({"1", "2", "3"}),
                     batch({"1", "2", "3"}), batch({"4"})});
    CHECK(counts.handled == 4);
  }
  SECTION("or it is lost") {
    const auto counts = run(0);
    CHECK(all == batches{batch({"1", "2", "3"}), batch({"4"})});
    CHECK(counts.lost == 4);
  }
}

TEST_CASE("Q14 a crash while it waits for others costs nothing") {
  testing_system sys;
  batches all;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<collector>("child", {}, std::size_t{3}, troupe::timespan{1h},
                      into(all));
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<collector> ref{tree->child("child")};
  ref.send("1");
  ref.send("2");
  sys.run();
  CHECK(ref.queue().in_progress == 2);
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  sys.run();
  CHECK(ref.incarnation() == 2);
  ref.send("3");
  sys.run();
  CHECK(all == batches{{"1", "2", "3"}});
  CHECK(ref.queue().dead_letters() == 0);
}

TEST_CASE("Q14 what a wait has got that is called off goes back") {
  class hasty : public troupe::queue_consumer<std::string> {
  public:
    explicit hasty(batches& all) : all_(all) {
      // nop
    }

    task<> run() override {
      auto first = when_any(get_messages(3, 1h), sleep_for(1s));
      const auto which = co_await std::move(first);
      CHECK(which.index == 1);
      CHECK(counts().in_progress == 0);
      CHECK(counts().queued == 2);
      auto next = co_await get_messages(3, 0s);
      if (next)
        all_.push_back(*next);
    }

  private:
    batches& all_;
  };
  testing_system sys;
  batches all;
  auto ref = troupe::spawn<hasty>(sys, {}, std::ref(all));
  ref.send("1");
  ref.send("2");
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(all == batches{{"1", "2"}});
  CHECK(ref.queue().handled == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q14 what means nothing is an error") {
  testing_system sys;
  batches all;
  auto none = troupe::spawn<collector>(sys, {}, 0, 1s, into(all));
  none.startup();
  CHECK_THAT(troupe::text_of(none.wait_for_shutdown()->reason()),
             ContainsSubstring("get_messages() is to get 0 messages"));
  auto early = troupe::spawn<collector>(sys, {}, 1, -1s, into(all));
  early.startup();
  CHECK_THAT(troupe::text_of(early.wait_for_shutdown()->reason()),
             ContainsSubstring("negative"));
  CHECK_THROWS_AS((writer{0, 1s, [](const texts&) {}}), std::invalid_argument);
}

// -- get_message with a timeout --------------------------------------------------

TEST_CASE("Q4 get_message(timeout) says why there is none") {
  class patient : public troupe::queue_consumer<std::string> {
  public:
    explicit patient(texts& to) : to_(to) {
      // nop
    }

    task<> run() override {
      for (;;) {
        auto x = co_await get_message(1s);
        to_.push_back(x ? *x : x.timed_out() ? "late" : "end");
        if (!x && !x.timed_out())
          co_return;
      }
    }

  private:
    texts& to_;
  };
  testing_system sys;
  texts seen;
  auto ref = troupe::spawn<patient>(sys, {}, std::ref(seen));
  ref.startup();
  sys.advance(1s);
  ref.send("1");
  sys.advance(500ms);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(seen == texts{"late", "1", "end"});
}

// -- batch_worker --------------------------------------------------------------

TEST_CASE("Q15 a batch_worker gives each batch to its callback") {
  testing_system sys;
  batches all;
  auto run = [&](auto f) {
    auto ref = troupe::spawn<writer>(sys, {}, 2, 10ms, f);
    for (auto x : {"1", "2", "3"})
      ref.send(x);
    ref.startup();
    sys.advance(10ms);
    CHECK(all == batches{{"1", "2"}, {"3"}});
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(ref.queue().handled == 3);
    CHECK(settled(ref.queue()));
  };
  SECTION("a plain function") {
    run([&](texts xs) { all.push_back(std::move(xs)); });
  }
  SECTION("a coroutine") {
    run([&](const texts& xs) -> task<> {
      co_await troupe::yield();
      all.push_back(xs);
    });
  }
}

TEST_CASE("Q15 Q9 on_error is about the whole batch") {
  testing_system sys;
  batches all;
  auto fails = [&all](texts xs) { // by value
    const auto bad = xs.front().ends_with("bad");
    all.push_back(std::move(xs));
    if (bad)
      throw std::runtime_error{"told to fail"};
  };
  const auto bad = long_text + " bad";
  auto run = [&](on_error what) {
    auto ref = troupe::spawn<writer>(sys, {.queue = {.on_error = what}}, 2, 0ms,
                                     fails);
    for (auto& x : {bad, std::string{"2"}, std::string{"3"}})
      ref.send(x);
    ref.startup();
    sys.advance(1h);
    return ref;
  };
  SECTION("skip") {
    auto ref = run(on_error::skip);
    CHECK(all == batches{{bad, "2"}, {"3"}});
    CHECK(ref.queue().failed == 2);
    CHECK(balanced(ref.queue()));
    ref.shutdown();
  }
  SECTION("retry") {
    auto ref = run(on_error::retry(2, {.initial = 1s}));
    CHECK(all == batches{{bad, "2"}, {bad, "2"}, {bad, "2"}, {"3"}});
    CHECK(ref.queue().failed == 2);
    CHECK(balanced(ref.queue()));
    ref.shutdown();
  }
  SECTION("fail") {
    auto ref = run(on_error::fail);
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
    CHECK(ref.queue().lost == 2);
    CHECK(ref.queue().discarded == 1);
    CHECK(settled(ref.queue()));
  }
}

TEST_CASE("Q15 Q9 a class can tell failures apart, and keeps its batches") {
  class careful : public writer {
  public:
    explicit careful(batches& all)
      : writer(2, 0ms, [&all](texts xs) {
          all.push_back(std::move(xs));
          throw std::runtime_error{"told to fail"};
        }) {
      // nop
    }

  protected:
    on_error policy_for(const texts& what, const std::exception_ptr&,
                        int failures) override {
      CHECK(what == texts{long_text, "2"});
      return failures < 3 ? on_error::retry(5) : on_error::skip;
    }
  };
  testing_system sys;
  batches all;
  auto ref = troupe::spawn<careful>(sys, {}, all);
  ref.send(long_text);
  ref.send("2");
  ref.startup();
  sys.run();
  CHECK(all == batches(3, texts{long_text, "2"}));
  CHECK(ref.queue().failed == 2);
  ref.shutdown();
}

TEST_CASE(
  "Q15 S33 a batch that waits for a retry comes again after a restart") {
  testing_system sys;
  batches all;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<writer>(
    "child",
    {.worker
     = {.queue = {.on_error = on_error::retry(3, {.initial = 1h, .max = 1h})}}},
    std::size_t{2}, troupe::timespan{0}, [&all](const texts& xs) {
      all.push_back(xs);
      if (all.size() == 1)
        throw std::runtime_error{"not yet"};
    });
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<writer> ref{tree->child("child")};
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  sys.run();
  CHECK(tree->restart_child("child").get());
  sys.run();
  CHECK(all == batches{{"1", "2"}, {"1", "2"}, {"3"}});
  CHECK(ref.queue().handled == 3);
}

TEST_CASE("Q15 Q10 a batch whose callback crashes comes back whole") {
  testing_system sys;
  batches all;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<writer>("child", {.worker = {.queue = {.redeliver = 1}}},
                   std::size_t{2}, troupe::timespan{0},
                   [&all](const texts& xs) -> task<> {
                     all.push_back(xs);
                     co_await troupe::yield();
                     if (all.size() == 1)
                       throw std::runtime_error{"told to fail"};
                   });
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<writer> ref{tree->child("child")};
  ref.send(long_text);
  ref.send("2");
  sys.run();
  CHECK(all == batches(2, texts{long_text, "2"}));
  CHECK(ref.queue().lost == 0);
}

TEST_CASE("Q15 whatever fails by chance, each message is accounted for") {
  const on_error policies[]
    = {on_error::fail, on_error::skip,
       on_error::retry(2, {.initial = 1ms, .max = 5ms})};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (auto& policy : policies) {
      CAPTURE(seed, static_cast<int>(policy.what()));
      support::dice dice{seed};
      testing_system sys{{.seed = seed}};
      constexpr unsigned rates[] = {0, 30, 100};
      auto percent = rates[dice.below(3)];
      std::uint64_t good = 0;
      auto ref = troupe::spawn<batch_worker<int32_t>>(
        sys,
        {.queue = {.capacity = 1 + dice.below(8),
                   .on_stop = static_cast<on_stop>(dice.below(3)),
                   .on_error = policy}},
        1 + dice.below(4), 1ms * dice.below(3),
        [&](const std::vector<int32_t>& xs) -> task<> {
          if (dice.chance(30))
            co_await troupe::yield();
          if (dice.chance(percent))
            throw std::runtime_error{"by chance"};
          good += xs.size();
        },
        [&](const std::vector<int32_t>&) {});
      if (dice.chance(80))
        ref.startup();
      std::uint64_t sent = 0;
      for (int i = 0; i < 40; ++i) {
        ref.send(i);
        ++sent;
        if (dice.chance(30))
          sys.step();
        if (dice.chance(10))
          sys.advance(dice.time(3));
        if (dice.chance(1))
          ref.drain();
        CHECK(balanced(ref.queue()));
      }
      ref.start();
      if (dice.chance(30))
        ref.force_stop();
      CHECK(ref.shutdown());
      const auto x = ref.queue();
      CHECK(settled(x));
      CHECK(x.sent == sent);
      CHECK(x.handled == good);
    }
  }
}
