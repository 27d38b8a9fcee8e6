// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A test of a worker that pauses for ten minutes. It takes milliseconds.

#include <troupe/event.hpp>
#include <troupe/spawn.hpp>
#include <troupe/testing.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

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

} // namespace

int main() {
  reports_every_ten_minutes();
  a_hang_is_a_failure();
}

// Output:
//     a test that would hang has failed instead
