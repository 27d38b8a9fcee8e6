// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Tests of a worker that pauses for ten minutes, and of a restart. They take
// milliseconds.

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

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

} // namespace

int main() {
  reports_every_ten_minutes();
  a_hang_is_a_failure();
  a_crash_costs_one_message();
}

// Output:
//     a test that would hang has failed instead
