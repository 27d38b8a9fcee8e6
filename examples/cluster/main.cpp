// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A shop of which several processes run, and of which one sends the bills.
//
//   cluster --name=NAME [--etcd=URL] [--ttl=SECONDS]
//
// Each bill is written into etcd as long as the process is the one that may.
// Run it some times with different names, then kill the one that sends bills,
// or stop it for a while (kill -STOP, kill -CONT). The script `story` does so.

#include <troupe/cluster.hpp>
#include <troupe/config.hpp>
#include <troupe/error.hpp>
#include <troupe/run.hpp>
#include <troupe/supervisor_spec.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// Sends bills. One runs in all processes; whatever it writes shows its token.
// [snippet cluster-biller]
class biller : public troupe::cluster::singleton_worker {
public:
  explicit biller(std::string where) : where_(std::move(where)) {
    // nop
  }

  ~biller() override {
    std::cout << where_ << " is over: " << written_ << " bills, " << refused_
              << " refused" << std::endl;
  }

  troupe::task<> run() override {
    std::cout << where_ << " sends bills, token " << to_string(token())
              << std::endl;
    for (;;) {
      auto writing = guarded_put("/shop/last_bill", where_);
      const auto error = co_await std::move(writing);
      ++(error ? refused_ : written_);
      const auto slept = co_await sleep_for(100ms);
      if (!slept)
        co_return; // the grant is going to end, or the tree
    }
  }

private:
  std::string where_;
  int written_ = 0;
  int refused_ = 0;
};

troupe::supervisor_spec shop(const std::string& where) {
  troupe::supervisor_spec tree{.name = "shop"};
  troupe::cluster::singleton_options how;
  how.child.worker = {.stopping_grace_period = 500ms,
                      .cleanup_period = 100ms,
                      .force_period = 100ms};
  tree.add(troupe::cluster::singleton<biller>("biller", how, where));
  return tree;
}
// [end]

struct config : troupe::config {
  config() {
    opt_group{custom_options_, "global"}
      .add(name, "name", "the name of this process in the cluster")
      .add(etcd, "etcd", "where etcd is")
      .add(ttl, "ttl", "the length of its lease in seconds");
  }

  std::string name;
  std::string etcd = "http://127.0.0.1:2379";
  std::uint32_t ttl = 5;
};

int caf_main(caf::actor_system& sys, const config& options) {
  try {
    // [snippet cluster-node]
    const troupe::cluster::node here{
      sys,
      {.name = options.name,
       .listen = {"127.0.0.1", 0},
       .directory = troupe::cluster::etcd(
         {options.etcd},
         {.prefix = "/shop", .ttl = std::chrono::seconds{options.ttl}})}};
    return troupe::run(sys, shop(options.name));
    // [end]
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}

} // namespace

CAF_MAIN(caf::id_block::troupe)
