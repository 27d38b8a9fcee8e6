// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Tests of a worker that pauses for ten minutes, of a restart, and of a report
// that is due in some nights. They take milliseconds.

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using std::chrono::March;

namespace {

// [snippet testing-worker]
class reporter : public troupe::worker {
public:
  troupe::task<> run() override {
    while (is_running()) {
      ++reports;
      co_await sleep_for(10min);
    }
  }

  int reports = 0;
};
// [end]

void check(bool what, const char* text) {
  if (!what) {
    std::cerr << "failed: " << text << '\n';
    std::exit(EXIT_FAILURE);
  }
}

// [snippet testing-pause]
void reports_every_ten_minutes() {
  troupe::testing::system sys;
  auto worker = troupe::spawn<reporter>(sys);
  worker.startup();
  sys.advance(1h);
  auto how = worker.shutdown();
  check(how && how->ok(), "the stop wakes the pause");
  check(worker.worker()->reports == 7, "one at once, then one each pause");
}
// [end]

// [snippet testing-deadlock]
class forgetful : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await done_; // nobody ever sets it
  }

private:
  troupe::event done_;
};

void a_hang_is_a_failure() {
  troupe::testing::system sys;
  auto worker = troupe::spawn<forgetful>(sys);
  worker.startup();
  try {
    worker.wait_for_shutdown();
    check(false, "it hangs");
  } catch (const troupe::testing::deadlock&) {
    std::cout << "a test that would hang has failed instead\n";
  }
  worker.force_stop();
}
// [end]

// [snippet testing-restart]
class parser : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto line = co_await get_message())
      if (line->empty())
        throw std::runtime_error{"an empty line"};
  }
};

void a_crash_costs_one_message() {
  troupe::testing::system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<parser>("parser", {.backoff = {.initial = 30s, .jitter = 0.0}});
  troupe::scoped_supervisor tree{sys, spec};
  troupe::event_log log{tree.ref()};
  auto begin = sys.now();
  auto lines = troupe::worker_at<parser>(sys, "/tree/parser");
  for (auto line : {"one", "", "three"})
    lines.send(line);
  auto crash = log.wait_for(troupe::event_kind::failed, "/tree/parser");
  check(crash && crash->incarnation == 1, "the empty line is too much");
  log.wait_for(troupe::event_kind::restarted, "/tree/parser"); // time jumps
  check(sys.now() - begin == 30s, "it has waited for its restart");
  sys.run(); // what is still to be done at this moment
  check(lines.queue_size() == 0 && lines.queue().lost == 1, "one is lost");
}
// [end]

// [snippet pattern-cron]
troupe::supervisor_spec office(std::function<void()> report) {
  troupe::supervisor_spec tree{.name = "office"};
  tree.add<troupe::worker_function>(
    "report", {.backoff = {.initial = 1s}}, std::move(report),
    troupe::cron("30 2 * * 1-5", "Europe/Berlin"), troupe::missed_slots::skip);
  return tree;
}
// [end]

// [snippet testing-cron]
void reports_on_weekdays() {
  troupe::testing::system sys;
  sys.set_wall_clock(std::chrono::sys_days{2026y / March / 27} + 12h); // Friday
  std::vector<troupe::wall_time> reports;
  troupe::scoped_supervisor tree{sys, office([&] {
                                   reports.push_back(sys.wall_now());
                                 })};
  sys.advance(72h);
  // Summer time has begun on Sunday: half past two is at 0:30 in UTC.
  check(reports.size() == 1
          && reports[0] == std::chrono::sys_days{2026y / March / 30} + 30min,
        "no report at the weekend");
}
// [end]

} // namespace

int main() {
  reports_every_ten_minutes();
  a_hang_is_a_failure();
  a_crash_costs_one_message();
  reports_on_weekdays();
}

// Output:
//     a test that would hang has failed instead
