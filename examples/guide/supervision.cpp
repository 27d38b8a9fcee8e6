// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A tree of two, one of which fails now and then.

#include <troupe/queue_consumer.hpp>
#include <troupe/supervisor_ref.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <iostream>
#include <stdexcept>
#include <string>

namespace {

// [snippet supervision]
class writer : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto line = co_await get_message())
      std::cout << *line << '\n';
  }
};

class fetcher : public troupe::queue_consumer<std::string> {
public:
  explicit fetcher(troupe::worker_ref<writer> out) : out_(std::move(out)) {
    // nop
  }

  troupe::task<> run() override {
    while (auto page = co_await get_message()) {
      if (page->empty())
        throw std::runtime_error{"a page without a name"};
      if (*page == "end")
        co_return; // a normal end
      out_.send("fetched " + *page);
    }
  }

private:
  troupe::worker_ref<writer> out_;
};

// [end]

// [snippet tree]
troupe::supervisor_spec pipeline() {
  troupe::supervisor_spec tree{
    .name = "pipeline",
    .strategy = troupe::strategy::one_for_one,
    .intensity = {.max_restarts = 3, .within = std::chrono::seconds{5}},
  };
  const auto out = tree.add<writer>(
    "writer", {.worker = {.queue = {.on_stop = troupe::on_stop::drain}}});
  tree.add<fetcher>("fetcher", {.restart = troupe::restart::transient}, out);
  return tree;
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  // [snippet supervision-use]
  auto tree = troupe::spawn(sys, pipeline());
  if (auto err = tree.startup())
    throw std::runtime_error{troupe::text_of(err)};
  auto pages = troupe::worker_at<fetcher>(sys, "/pipeline/fetcher");
  for (auto page : {"one", "two", "", "three", "end"})
    pages.send(page);
  pages.wait_for_shutdown(); // until the end that no restart follows
  auto late = tree.shutdown(std::chrono::seconds{10}); // the whole tree
  // The writer has printed its last line: now the screen is ours.
  std::cout << pages.name() << " had " << pages.incarnation() << " lives, lost "
            << pages.queue().lost << " of " << pages.queue().sent << '\n';
  std::cout << late.size() << " were late\n";
  // [end]
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     fetched one
//     fetched two
//     fetched three
//     fetcher had 2 lives, lost 1 of 5
//     0 were late
