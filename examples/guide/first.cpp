// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The program of the README: a worker with a queue, whose life is a scope.

// [snippet first]
#include <troupe/queue_consumer.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <iostream>
#include <string>

class letter_counter : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto word = co_await get_message()) // none: asked to stop
      letters += word->size();
  }

  std::size_t letters = 0;
};

void caf_main(caf::actor_system& sys) {
  troupe::scoped_worker<letter_counter> worker{sys, {.name = "counter"}};
  for (auto word : {"no", "word", "is", "lost"})
    worker.send(word);
  worker.drain(); // no more input: finish what is queued, then stop
  auto done = worker.shutdown(); // waits; leaving the scope does the same
  std::cout << done.worker().letters << " letters, " << to_string(done) << '\n';
}

CAF_MAIN(caf::id_block::troupe)
// [end]

// Output:
//     12 letters, normal
