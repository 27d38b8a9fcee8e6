// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A service to look at while it runs: a shop whose clerks now and then drop
// what they have in hand, and are back after a while. Its observer shows it on
// a page, `troupe-top` in a terminal, and systemd is told how it does.
//
//   watched [--seconds=N] [--troupe.observer.port=PORT]
//
// Ends after N seconds, or when it is stopped: Ctrl-C. With a token in the
// environment variable TROUPE_OBSERVER_TOKEN the page can stop and start its
// workers.

#include <troupe/call_later.hpp>
#include <troupe/config.hpp>
#include <troupe/observer.hpp>
#include <troupe/observer/systemd.hpp>
#include <troupe/queue_consumer.hpp>
#include <troupe/run.hpp>
#include <troupe/supervisor_ref.hpp>
#include <troupe/worker_pool.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

/// Where the money goes. It says of itself what nobody else can know.
// [snippet watched-describe]
class till : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto price = co_await get_message())
      total_ += *price;
  }

  troupe::status_fields describe() override {
    return {{"total", std::to_string(total_)}};
  }

private:
  std::int64_t total_ = 0;
};
// [end]

/// Serves one customer after another, and sometimes drops the goods.
class clerk : public troupe::queue_consumer<int32_t> {
public:
  explicit clerk(troupe::worker_ref<till> cash) : cash_(std::move(cash)) {
    // nop
  }

  troupe::task<> run() override {
    while (auto price = co_await get_message()) {
      co_await sleep_for(std::chrono::milliseconds{*price});
      if (*price > 195)
        throw std::runtime_error{"dropped the goods"};
      cash_.send(*price);
    }
  }

private:
  troupe::worker_ref<till> cash_;
};

/// Sends customers in, and says so when there are too many.
class door : public troupe::worker {
public:
  explicit door(troupe::pool_ref<clerk> clerks) : clerks_(std::move(clerks)) {
    // nop
  }

  troupe::task<> run() override {
    std::uniform_int_distribution price{1, 200};
    while ([[maybe_unused]] auto open = co_await sleep_for(30ms)) {
      clerks_.send(price(dice_));
      if (clerks_.queue_size() > 20)
        degraded("there is a queue");
      else
        healthy();
    }
  }

private:
  troupe::pool_ref<clerk> clerks_;
  std::minstd_rand dice_{std::random_device{}()};
};

troupe::supervisor_spec shop() {
  troupe::supervisor_spec tree{.name = "shop"};
  const auto cash = tree.add<till>(
    "till", {.worker = {.queue = {.on_stop = troupe::on_stop::drain}}});
  const auto clerks = tree.add(troupe::worker_pool<clerk>{
    {.name = "clerks",
     .size = 4,
     .routing = troupe::routing::least_busy,
     .each = {.backoff = {.initial = 1s, .max = 10s},
              .worker = {.queue = {.on_stop = troupe::on_stop::drain}}}},
    cash});
  tree.add<door>("door", clerks);
  return tree;
}

class config : public troupe::config {
public:
  config() {
    opt_group{custom_options_, "global"}.add(seconds, "seconds",
                                             "ends after so many");
  }

  std::uint32_t seconds = 0;
};

} // namespace

// [snippet watched-main]
int caf_main(caf::actor_system& sys, const config& cfg) {
  troupe::observer observer{sys};        // the page, for people and probes
  troupe::systemd_notifier systemd{sys}; // nothing without systemd
  std::cout << "watch it on " << observer.url() << std::endl;
  return troupe::run(sys, shop(),
                     {.on_ready = [&](const troupe::supervisor_ref& tree) {
                       if (cfg.seconds > 0)
                         troupe::call_later(sys,
                                            std::chrono::seconds{cfg.seconds},
                                            [tree] { tree.gracefully_stop(); });
                     }});
}
// [end]

CAF_MAIN(caf::id_block::troupe)
