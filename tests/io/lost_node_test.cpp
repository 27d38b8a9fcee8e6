// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Nodes that are lost: killed, stopped, or behind a connection that carries
// nothing any more. The other node is this program, started by itself.

#include "io/node.hpp"
#include "support/plain_caf.hpp"
#include "troupe/event_log.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/sec.hpp>
#include <caf/typed_response_promise.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using support::node;
using troupe::event_kind;
using troupe::event_log;
using troupe::task;

extern "C" char** environ;

namespace {

// -- the other node ------------------------------------------------------------

/// Doubles numbers. A text is a question that it never answers; it says on its
/// standard output that it has got it.
caf::behavior oracle(caf::event_based_actor* self) {
  auto open = std::make_shared<
    std::vector<caf::typed_response_promise<std::int32_t>>>();
  return {
    [](std::int32_t x) { return 2 * x; },
    [self, open](const std::string&) {
      open->push_back(self->make_response_promise<std::int32_t>());
      std::cout << "asked" << std::endl;
      return open->back();
    },
  };
}

/// Runs until its standard input is closed.
int play_oracle() {
  node here{[](support::real_config& config) {
    config.set("caf.middleman.heartbeat-interval", troupe::timespan{100ms});
  }};
  auto actor = here.sys().spawn(oracle);
  auto port = here.sys().middleman().publish(actor, 0, "127.0.0.1");
  if (!port) {
    std::cerr << to_string(port.error()) << '\n';
    return 1;
  }
  std::cout << *port << std::endl;
  while (std::getchar() != EOF)
    ;
  support::tell(actor, caf::exit_msg{actor.address(),
                                     caf::exit_reason::user_shutdown});
  return 0;
}

/// Another process with an oracle.
class other_node {
public:
  other_node() {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0
        || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw std::runtime_error{"pipe2"};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    std::string flag = "--oracle";
    std::array<char*, 3> args = {flag.data(), flag.data(), nullptr};
    auto failed = ::posix_spawn(&pid_, "/proc/self/exe", &files, nullptr,
                                args.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = ::fdopen(out[0], "r");
    if (failed != 0)
      throw std::runtime_error{"posix_spawn"};
    port_ = static_cast<std::uint16_t>(std::stoi(line()));
  }

  ~other_node() {
    send(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(input_);
    std::fclose(output_);
  }

  other_node(const other_node&) = delete;

  other_node& operator=(const other_node&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  void send(int signal) const {
    ::kill(pid_, signal);
  }

  /// Waits until it has got a question that it does not answer.
  void wait_for_question() {
    if (auto said = line(); said != "asked")
      throw std::runtime_error{"the other node said: " + said};
  }

private:
  std::string line() {
    std::string result;
    for (int c = std::fgetc(output_); c != '\n'; c = std::fgetc(output_)) {
      if (c == EOF)
        throw std::runtime_error{"the other node is gone"};
      result += static_cast<char>(c);
    }
    return result;
  }

  pid_t pid_ = -1;
  int input_ = -1;
  std::FILE* output_ = nullptr;
  std::uint16_t port_ = 0;
};

// -- this node -----------------------------------------------------------------

/// CAF finds a silent node within some seconds, instead of half a minute. Not
/// less: that a busy machine is not taken for one.
void be_impatient(support::real_config& config) {
  config.set("caf.middleman.heartbeat-interval", troupe::timespan{500ms});
  config.set("caf.middleman.connection-timeout", troupe::timespan{4s});
}

caf::actor find_oracle(caf::actor_system& sys, std::uint16_t port) {
  auto found = sys.middleman().remote_actor("127.0.0.1", port);
  if (!found)
    throw std::runtime_error{to_string(found.error())};
  return *found;
}

/// Asks a question without an answer and keeps the error.
class seeker : public troupe::worker {
public:
  explicit seeker(caf::actor target, int questions = 1)
    : target_(std::move(target)), questions_(questions) {
    // nop
  }

  task<> run() override {
    std::vector<task<>> all;
    for (int i = 0; i < questions_; ++i)
      all.push_back(seek());
    co_await when_all(std::move(all));
  }

  std::vector<caf::error> errors;

private:
  task<> seek() {
    auto asking = ask<std::int32_t>(target_, troupe::infinite,
                                    std::string{"why?"});
    auto answer = co_await std::move(asking);
    errors.push_back(answer ? caf::error{} : answer.error());
  }

  caf::actor target_;
  int questions_;
};

troupe::worker_ref<seeker> start_seeker(node& here, const caf::actor& target,
                                        int questions = 1) {
  auto result = troupe::spawn<seeker>(here.sys(), {.name = "seeker"}, target,
                                      questions);
  result.start();
  return result;
}

/// Waits until it has given up. @returns what its questions have ended with.
std::vector<caf::error> errors_of(const troupe::worker_ref<seeker>& who) {
  auto how = who.wait_for_shutdown();
  REQUIRE(how);
  REQUIRE(how->ok());
  return who.worker()->errors;
}

// -- a connection that carries nothing any more ---------------------------------

/// Passes on what comes over one connection, until it is told to swallow it.
class relay {
public:
  explicit relay(std::uint16_t target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    auto size = socklen_t{sizeof(address)};
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 1) != 0
        || ::getsockname(listener_, raw, &size) != 0)
      throw std::runtime_error{"relay: listen"};
    port_ = ntohs(address.sin_port);
    if (::pipe2(quit_.data(), O_CLOEXEC) != 0)
      throw std::runtime_error{"relay: pipe2"};
    thread_ = std::thread{[this, target] { serve(target); }};
  }

  ~relay() {
    ::close(quit_[1]);
    thread_.join();
    ::close(quit_[0]);
    ::close(listener_);
  }

  relay(const relay&) = delete;

  relay& operator=(const relay&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  void swallow() noexcept {
    swallows_ = true;
  }

private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return result;
  }

  /// @returns whether there is something to read, and nobody quits.
  bool wait_for(std::initializer_list<int> sources) {
    ready_.clear();
    ready_.push_back({quit_[0], POLLIN, 0});
    for (auto x : sources)
      ready_.push_back({x, POLLIN, 0});
    return ::poll(ready_.data(), ready_.size(), -1) > 0
           && ready_[0].revents == 0;
  }

  void serve(std::uint16_t target) {
    if (!wait_for({listener_}))
      return;
    auto from = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    auto to = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(target);
    if (::connect(to, reinterpret_cast<sockaddr*>(&address), sizeof(address))
        == 0)
      while (wait_for({from, to}))
        if ((ready_[1].revents != 0 && !pass(from, to))
            || (ready_[2].revents != 0 && !pass(to, from)))
          break;
    ::close(from);
    ::close(to);
  }

  /// @returns whether both are still there.
  bool pass(int from, int to) {
    std::array<char, 4096> buffer{};
    auto count = ::read(from, buffer.data(), buffer.size());
    if (count <= 0)
      return false;
    if (swallows_)
      return true;
    for (ssize_t done = 0; done < count;) {
      auto more = ::send(to, buffer.data() + done,
                         static_cast<std::size_t>(count - done), MSG_NOSIGNAL);
      if (more <= 0)
        return false;
      done += more;
    }
    return true;
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::array<int, 2> quit_{};
  std::vector<pollfd> ready_;
  std::atomic<bool> swallows_{false};
  std::thread thread_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string{"--oracle"})
    return play_oracle();
  return Catch::Session().run(argc, argv);
}

TEST_CASE(
  "A5 an ask ends with an error when the node of its target is killed") {
  node here;
  other_node there;
  auto target = find_oracle(here.sys(), there.port());
  constexpr int questions = 20;
  auto first = start_seeker(here, target, questions);
  auto second = start_seeker(here, target);
  for (int i = 0; i < questions + 1; ++i)
    there.wait_for_question();
  there.send(SIGKILL);
  auto errors = errors_of(first);
  REQUIRE(errors.size() == questions);
  for (const auto& x : errors)
    CHECK(x == troupe::errc::receiver_gone);
  CHECK(errors_of(second).at(0) == troupe::errc::receiver_gone);
  // Nor does one that comes too late wait.
  auto late = start_seeker(here, target, 3);
  CHECK(errors_of(late).size() == 3);
}

TEST_CASE("A5 the ask of a thread ends when the node of its target is killed") {
  node here;
  other_node there;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add_actor("far", {.restart = troupe::restart::temporary},
                 [port = there.port()](caf::actor_system& sys) {
                   return find_oracle(sys, port);
                 });
  auto tree = troupe::spawn(here.sys(), spec);
  REQUIRE_FALSE(tree.startup());
  auto far = tree.child("far");
  auto doubled = troupe::ask<std::int32_t>(far, troupe::infinite, 21);
  REQUIRE(doubled);
  CHECK(*doubled == 42);
  auto asking = std::async(std::launch::async, [&far] {
    return troupe::ask<std::int32_t>(far, troupe::infinite,
                                     std::string{"why?"});
  });
  there.wait_for_question();
  there.send(SIGKILL);
  auto answer = asking.get();
  REQUIRE_FALSE(answer);
  CHECK(answer.error() == troupe::errc::receiver_gone);
  auto late = troupe::ask<std::int32_t>(far, troupe::infinite, 21);
  REQUIRE_FALSE(late);
  CHECK(late.error() == troupe::errc::receiver_gone);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("A5 an ask ends with an error when the node of its target stands "
          "still") {
  node here{be_impatient};
  other_node there;
  auto target = find_oracle(here.sys(), there.port());
  auto who = start_seeker(here, target);
  there.wait_for_question();
  there.send(SIGSTOP);
  CHECK(errors_of(who).at(0) == troupe::errc::receiver_gone);
}

TEST_CASE("A5 an ask ends with an error when the connection to its target "
          "carries nothing any more") {
  node here{be_impatient};
  other_node there;
  relay between{there.port()};
  auto target = find_oracle(here.sys(), between.port());
  auto who = start_seeker(here, target);
  there.wait_for_question();
  between.swallow();
  CHECK(errors_of(who).at(0) == troupe::errc::receiver_gone);
}

TEST_CASE("S24 a node that stands still is lost, and found when it goes on") {
  node here{be_impatient};
  other_node there;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add_actor("far", {.backoff = {.initial = 5ms, .max = 20ms}},
                 [port = there.port()](caf::actor_system& sys) {
                   return find_oracle(sys, port);
                 });
  auto tree = troupe::spawn(here.sys(), spec);
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  there.send(SIGSTOP);
  REQUIRE(events.wait_for(event_kind::failed, "/tree/far"));
  events.clear();
  there.send(SIGCONT);
  REQUIRE(events.wait_for(event_kind::ready, "/tree/far"));
  auto doubled = troupe::ask<std::int32_t>(tree.child("far"), troupe::infinite,
                                           21);
  REQUIRE(doubled);
  CHECK(*doubled == 42);
  CHECK(tree.shutdown()->ok());
}
