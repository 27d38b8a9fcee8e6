// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The machine has no thread left, whichever it is that somebody wants.

#include "support/real_system.hpp"
#include "support/scarce_threads.hpp"
#include "support/scripted.hpp"
#include "troupe/blocking_worker.hpp"
#include "troupe/call_later.hpp"
#include "troupe/error.hpp"
#include "troupe/events.hpp"
#include "troupe/run.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::scarce_threads;
using support::script;
using support::scripted;

namespace {

/// A worker whose code blocks at once.
class thread_worker : public troupe::blocking_worker {
public:
  void run(std::stop_token stop) override {
    static_cast<void>(sleep_for(stop, 1h));
  }
};

/// Why it did not end well; nothing if it did.
std::string why(const troupe::awaited_outcome& how) {
  if (!how)
    return troupe::text_of(how.error());
  return how->ok() ? std::string{} : troupe::text_of(how->reason());
}

/// Starts it, stops it, and waits for its end.
template <class Ref>
std::string live(const Ref& who) {
  auto err = who.startup();
  auto how = who.shutdown();
  return err ? troupe::text_of(err) : why(how);
}

/// Calls two functions at the same time.
troupe::task<> offload_twice(scripted& self) {
  auto call = [&self](troupe::thread_use how) -> troupe::task<> {
    auto job = self.offload([] {}, how);
    co_await std::move(job);
  };
  auto first = call(troupe::thread_use::pooled);
  auto second = call(troupe::thread_use::own);
  auto both = self.when_all(std::move(first), std::move(second));
  co_await std::move(both);
}

/// Does all that takes a thread, one after another.
/// @param limit Is called when the actor system has its own threads.
/// @returns the texts of what has failed.
std::vector<std::string> use_threads(const std::function<void()>& limit) {
  std::vector<std::string> result;
  journal log;
  support::real_system sys;
  limit();
  auto step = [&result](const std::function<std::string()>& f) {
    try {
      if (auto text = f(); !text.empty())
        result.push_back(std::move(text));
    } catch (const std::system_error& what) {
      result.emplace_back(what.what());
    }
  };
  troupe::subscription events;
  step([&] {
    events = troupe::on_event(sys, [](const troupe::lifecycle_event&) {});
    return std::string{};
  });
  step([&] { return live(support::spawn(sys, log, {}, {})); });
  step([&] {
    script what;
    what.run = offload_twice;
    auto who = support::spawn(sys, log, {}, what);
    static_cast<void>(who.startup());
    return why(who.wait_for_shutdown());
  });
  step([&] { return live(troupe::spawn<thread_worker>(sys)); });
  step([&] {
    // The deadline of the stop needs the clock.
    script what;
    what.run = support::stubborn();
    auto who = support::spawn(sys, log, {.stopping_grace_period = 1ms}, what);
    static_cast<void>(who.startup());
    auto how = who.shutdown();
    return how && how->kind() == troupe::outcome_kind::forced ? std::string{}
                                                              : why(how);
  });
  step([&] {
    auto called = std::make_shared<std::promise<void>>();
    auto done = called->get_future();
    troupe::call_later(sys, 1ms,
                       [called = std::move(called)] { called->set_value(); });
    try {
      done.get();
      return std::string{};
    } catch (const std::future_error&) {
      return std::string{"no thread, as the log says"};
    }
  });
  step([&] {
    script what;
    what.run = support::sleeping(1ms);
    troupe::supervisor_spec tree{
      .name = "tree", .auto_shutdown = troupe::auto_shutdown::any_significant};
    tree.add<scripted>(
      "child", {.restart = troupe::restart::transient, .significant = true},
      std::ref(log), what);
    return std::string(static_cast<std::size_t>(troupe::run(sys, tree)), '!');
  });
  return result;
}

} // namespace

TEST_CASE("L36 whichever thread is missing, who needed it is told") {
  const auto how = GENERATE(scarce_threads::how::once,
                            scarce_threads::how::from_then_on);
  auto goes_on = true;
  for (auto nth = 1; goes_on; ++nth) {
    CAPTURE(nth, how);
    std::unique_ptr<scarce_threads> limit;
    auto failures = use_threads(
      [&] { limit = std::make_unique<scarce_threads>(nth, how); });
    goes_on = limit->has_refused();
    for (const auto& text : failures)
      CHECK_THAT(text, ContainsSubstring("thread"));
    if (!goes_on)
      CHECK(failures.empty());
    REQUIRE(nth < 100);
  }
}

TEST_CASE("L36 spawn says that there is no thread for the clock") {
  journal log;
  support::real_system sys;
  {
    const scarce_threads limit{1, scarce_threads::how::once};
    CHECK_THROWS_WITH(support::spawn(sys, log, {}, {}),
                      ContainsSubstring("no thread for the clock"));
  }
  CHECK(live(support::spawn(sys, log, {}, {})).empty());
}

TEST_CASE("L36 an offloaded call without a thread fails with that") {
  journal log;
  support::real_system sys;
  auto first = support::spawn(sys, log, {}, {});
  const scarce_threads limit{1, scarce_threads::how::from_then_on};
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    auto job = self.offload([] {});
    co_await std::move(job);
  };
  auto who = support::spawn(sys, log, {}, what);
  static_cast<void>(who.startup());
  CHECK_THAT(why(who.wait_for_shutdown()), ContainsSubstring("gets no thread"));
}
