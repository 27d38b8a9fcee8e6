// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Several workers behind one handle.

#include <troupe/scoped_supervisor.hpp>
#include <troupe/worker_pool.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// [snippet pool]
class packer : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto parcel = co_await get_message())
      co_await sleep_for(1ms); // packs it
  }
};

void pack(caf::actor_system& sys) {
  troupe::worker_pool<packer> packers{{
    .name = "packers",
    .size = 2,
    .routing = troupe::routing::least_busy,
    .each = {.backoff = {.initial = 100ms},
             .worker = {.queue = {.capacity = 100}}},
  }};
  auto pool = troupe::spawn(sys, packers);
  pool.startup();
  for (int i = 0; i < 150; ++i)
    pool.send("parcel " + std::to_string(i));
  auto grown = pool.resize(6).get(); // it has become a lot
  if (grown.error)
    std::cerr << to_string(grown.error) << '\n';
  pool.drain();
  pool.wait_for_shutdown();
  std::cout << pool.queue().handled << " parcels packed by " << pool.size()
            << " packers\n";
}
// [end]

// [snippet pool-key]
class teller : public troupe::queue_consumer<std::string> {
public:
  explicit teller(std::shared_ptr<std::atomic<int>> mixed_up)
    : mixed_up_(std::move(mixed_up)) {
    // nop
  }

  troupe::task<> run() override {
    while (auto entry = co_await get_message()) {
      auto space = entry->find(' ');
      auto number = std::stoi(entry->substr(space + 1));
      if (auto& last = last_[entry->substr(0, space)]; number == last + 1)
        last = number;
      else
        ++*mixed_up_;
    }
  }

private:
  std::map<std::string, int> last_; // for each account
  std::shared_ptr<std::atomic<int>> mixed_up_;
};

using tellers = troupe::worker_pool<teller>;

class branch : public troupe::worker {
public:
  explicit branch(troupe::pool_ref<teller> to) : tellers_(std::move(to)) {
    // nop
  }

  troupe::task<> run() override {
    for (int i = 1; i <= 100; ++i) {
      for (auto account : {"ann ", "bob ", "cleo ", "dan "}) {
        auto sending = send_to(tellers_, account + std::to_string(i));
        if (auto error = co_await std::move(sending)) // waits for room
          co_return;
      }
    }
    tellers_.drain();
    auto over = tellers_.stopped();
    co_await over;
  }

private:
  troupe::pool_ref<teller> tellers_;
};

void keep_accounts(caf::actor_system& sys) {
  auto mixed_up = std::make_shared<std::atomic<int>>(0);
  tellers pool{{.name = "tellers",
                .size = 3,
                .each = {.worker = {.queue = {.capacity = 10}}}},
               mixed_up};
  pool.key([](const std::string& x) { return x.substr(0, x.find(' ')); });

  troupe::supervisor_spec bank{.name = "bank"};
  const auto desk = bank.add(pool);
  bank.add<branch>("branch", {.restart = troupe::restart::transient}, desk);
  troupe::scoped_supervisor tree{sys, std::move(bank)};
  tree->child("branch").wait_for_shutdown();
  std::cout << tree->child("tellers").queue().handled << " entries, "
            << *mixed_up << " mixed up\n";
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  pack(sys);
  keep_accounts(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     150 parcels packed by 6 packers
//     400 entries, 0 mixed up
