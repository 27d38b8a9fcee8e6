// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"

#include "support/raw_connection.hpp"
#include "troupe/observer.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace troupe::bench {

namespace {

class clerk : public queue_consumer<std::uint64_t> {
public:
  task<> run() override {
    co_await stop_requested();
  }

  status_fields describe() override {
    return {{"shard", "17"}};
  }
};

supervisor_spec crowd(std::size_t groups, std::size_t size) {
  supervisor_spec result{.name = "crowd"};
  for (std::size_t i = 0; i < groups; ++i) {
    supervisor_spec group{.name = "group-" + std::to_string(i)};
    for (std::size_t j = 0; j < size; ++j)
      group.add<clerk>("clerk-" + std::to_string(j));
    result.add(std::move(group));
  }
  return result;
}

/// In milliseconds, of all threads of this process.
double cpu_time() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3
         + static_cast<double>(now.tv_nsec) / 1e6;
}

/// As a browser asks.
double look(std::uint16_t port) {
  const auto before = cpu_time();
  support::raw_connection client{port};
  client.say("GET /status.json HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: "
             "gzip\r\nConnection: close\r\n\r\n");
  static_cast<void>(client.all());
  return cpu_time() - before;
}

} // namespace

void looks(report& out, const settings& how) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  const std::size_t groups = how.quick ? 10 : 100;
  auto tree = spawn(sys, crowd(groups, 99));
  tree.startup();
  const observer server{sys, {.port = 0}};
  std::vector<double> took(how.quick ? 1 : 11);
  for (auto& x : took)
    x = look(server.port());
  tree.shutdown();
  out.add({.name = "a look at " + grouped(groups * 100)
                   + " workers by an observer, processor time",
           .unit = "ms",
           .troupe = median(took),
           .target = value_at_most(100)});
}

} // namespace troupe::bench
