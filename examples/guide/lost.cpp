// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A program that loses what is still queued when it ends, and the same without
// the loss.

#include <troupe/queue_consumer.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// [snippet lost-worker]
class writer : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto line = co_await get_message()) {
      co_await sleep_for(1ms); // a slow disk
      written.push_back(*line);
    }
  }

  std::vector<std::string> written;
};
// [end]

// [snippet lost-wrong]
void wrong(caf::actor_system& sys) {
  troupe::scoped_worker<writer> worker{sys};
  for (int i = 0; i < 100; ++i)
    worker.send("line " + std::to_string(i));
  auto done = worker.shutdown(); // what is queued becomes dead letters
  auto counts = worker.queue();
  std::cout << (counts.discarded > 0 ? "some are lost, " : "none is lost, ")
            << counts.handled + counts.discarded << " accounted for\n";
}
// [end]

// [snippet lost-mended]
void mended(caf::actor_system& sys) {
  troupe::scoped_worker<writer> worker{sys};
  for (int i = 0; i < 100; ++i)
    worker.send("line " + std::to_string(i));
  worker.drain(); // takes no more, finishes these
  auto done = worker.shutdown();
  std::cout << done.worker().written.size() << " lines written\n";
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  wrong(sys);
  mended(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     some are lost, 100 accounted for
//     100 lines written
