// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The program that the tests of the page look at: browser/stage.mjs says what
// it has to be, and what it is told on its standard input.

#include "system/caf_compat.hpp"
#include "troupe/config.hpp"
#include "troupe/observer.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

/// Whether the writer is held: see browser/stage.mjs.
std::atomic<bool> held{false};

/// Fails when it is told to.
troupe::message_handlers failing_when_told() {
  return {[](const std::string& how) -> caf::result<void> {
    throw std::runtime_error{how + " was asked for"};
  }};
}

class fetcher : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }

  troupe::message_handlers handlers() override {
    return failing_when_told();
  }

  troupe::status_fields describe() override {
    return {{"source", "https://example.org/feed"}, {"open requests", "2"}};
  }
};

class parser : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while ([[maybe_unused]] auto x = co_await get_message())
      ++parsed_;
  }

  troupe::message_handlers handlers() override {
    return failing_when_told();
  }

private:
  int parsed_ = 0;
};

/// While it is held it handles nothing and does not end.
class writer : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    auto open_file = hold();
    while ([[maybe_unused]] auto x = co_await get_message())
      co_await until_released();
    co_await until_released();
  }

  troupe::message_handlers handlers() override {
    return failing_when_told();
  }

private:
  troupe::task<> until_released() {
    while (held)
      co_await sleep_for(10ms);
  }
};

troupe::supervisor_spec pipeline() {
  troupe::supervisor_spec parsers{.name = "parsers",
                                  .intensity = {.max_restarts = 20}};
  for (auto name : {"parser-1", "parser-2", "parser-3"})
    parsers.add<parser>(name);
  troupe::supervisor_spec tree{.name = "pipeline",
                               .intensity = {.max_restarts = 5, .within = 1h}};
  tree.add<fetcher>("fetcher", {.backoff = {.initial = 1h, .max = 1h}});
  tree.add(std::move(parsers));
  tree.add<writer>("writer",
                   {.worker = {.stopping_grace_period = troupe::infinite}});
  return tree;
}

/// The rest of a line, without the blank before it.
std::string rest_of(std::istream& from) {
  std::string result;
  std::getline(from >> std::ws, result);
  return result;
}

void send_many(caf::actor_system& sys, const std::string& path, int n) {
  auto send = [n](const auto& to) {
    for (int i = 0; i < n; ++i)
      to.send(i);
  };
  if (auto found = troupe::lookup<parser>(sys, path))
    send(*found);
  else if (auto other = troupe::lookup<writer>(sys, path))
    send(*other);
  else
    std::cerr << "nobody at " << path << " has a queue\n";
}

void crash(caf::actor_system& sys, const std::string& path) {
  if (auto found = troupe::lookup(sys, path))
    troupe::compat::anon_send(found->actor(), std::string{"crash"});
  else
    std::cerr << to_string(found.error()) << '\n';
}

void retry(caf::actor_system& sys, const std::string& path) {
  const auto slash = path.rfind('/');
  auto parent = troupe::lookup(sys, path.substr(0, slash));
  if (!parent
      || !troupe::supervisor_ref{*parent}.retry_now(path.substr(slash + 1)))
    std::cerr << path << " does not back off\n";
}

void caf_main(caf::actor_system& sys, const troupe::config&) {
  troupe::observer observer{sys, {.port = 0, .call_timeout = 1h}};
  auto tree = troupe::spawn(sys, pipeline());
  tree.startup();
  std::cout << "http://127.0.0.1:" << observer.port() << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::istringstream words{line};
    std::string verb;
    words >> verb;
    if (verb == "crash") {
      crash(sys, rest_of(words));
    } else if (verb == "retry") {
      retry(sys, rest_of(words));
    } else if (verb == "hold" || verb == "release") {
      held = verb == "hold";
    } else if (verb == "stop") {
      tree.gracefully_stop();
    } else if (verb == "send") {
      std::string path;
      int n = 0;
      words >> path >> n;
      send_many(sys, path, n);
    }
  }
  tree.force_stop();
  tree.wait_for_shutdown();
}

} // namespace

CAF_MAIN(caf::id_block::troupe)
