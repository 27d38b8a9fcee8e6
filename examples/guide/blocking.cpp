// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker around an interface that blocks.

#include <troupe/blocking_worker.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <iostream>
#include <latch>
#include <stop_token>

using namespace std::chrono_literals;

namespace {

// [snippet blocking]
class line_printer : public troupe::blocking_worker {
public:
  explicit line_printer(std::latch& first_page) : first_page_(first_page) {
    // nop
  }

  void run(std::stop_token stop) override { // on a thread of its own
    do {
      std::cout << "page " << ++pages_ << std::endl;
      if (pages_ == 1)
        first_page_.count_down();
    } while (sleep_for(stop, 1h)); // a stop wakes it
    std::cout << path() << " has been told to stop\n";
  }

private:
  std::latch& first_page_;
  int pages_ = 0;
};
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  std::latch first_page{1};
  troupe::scoped_worker<line_printer> worker{sys, {}, first_page};
  first_page.wait();
  auto done = worker.shutdown();
  std::cout << to_string(done) << '\n';
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     page 1
//     /line_printer has been told to stop
//     normal
