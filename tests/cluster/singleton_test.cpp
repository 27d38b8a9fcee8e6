// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Nodes in one process, in virtual time.

#include "troupe/cluster.hpp"
#include "troupe/error.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"

#include "support/trap.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <caf/error.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>

using namespace std::chrono_literals;
using namespace troupe::cluster;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using troupe::never;
using troupe::time_point;
using troupe::timespan;

namespace {

/// A life of the singleton.
struct life {
  std::string where;
  token number;
  time_point begun;
  time_point ended = never;
};

/// The deeds of the workers of a test. All of them are on one thread.
struct diary {
  std::vector<life> lives;
  std::vector<std::string> writes;
  std::string fails_at; // a node on which it fails
  bool returns = false; // by itself, after a second
  bool ignores_stops = false;

  /// Whether one life begins before the former one has ended, or has a lower
  /// token.
  [[nodiscard]] bool overlaps() const {
    for (std::size_t i = 1; i < lives.size(); ++i)
      if (lives[i].begun < lives[i - 1].ended
          || lives[i].number < lives[i - 1].number)
        return true;
    return false;
  }
};

/// Takes the end of a life down.
class mark {
public:
  mark(life& of, const troupe::testing::system& sys) : of_(of), sys_(sys) {
    // nop
  }

  mark(const mark&) = delete;

  mark& operator=(const mark&) = delete;

  ~mark() {
    of_.ended = sys_.now();
  }

private:
  life& of_;
  const troupe::testing::system& sys_;
};

class biller : public singleton_worker {
public:
  biller(diary* book, const troupe::testing::system* sys, std::string where)
    : book_(book), sys_(sys), where_(std::move(where)) {
    // nop
  }

  troupe::task<> run() override {
    const auto number = book_->lives.size();
    book_->lives.reserve(100); // lives stay where they are
    book_->lives.push_back({where_, token(), sys_->now()});
    const mark end{book_->lives[number], *sys_};
    auto putting = guarded_put("/last", std::to_string(number));
    const auto error = co_await std::move(putting);
    book_->writes.push_back(error ? troupe::text_of(error) : "written");
    if (book_->fails_at == where_)
      throw std::runtime_error{"no paper"};
    if (book_->returns) {
      [[maybe_unused]] const auto slept = co_await sleep_for(1s);
      co_return;
    }
    while (book_->ignores_stops) [[maybe_unused]]
      const auto slept = co_await sleep_for(1h);
    auto stopped = stop_requested();
    co_await std::move(stopped);
  }

private:
  diary* book_;
  const troupe::testing::system* sys_;
  std::string where_;
};

/// Writes, whatever it is told.
class deaf_writer : public singleton_worker {
public:
  explicit deaf_writer(std::vector<caf::error>* results,
                       std::string key = "/last")
    : results_(results), key_(std::move(key)) {
    // nop
  }

  troupe::task<> run() override {
    for (;;) {
      auto putting = guarded_put(key_, "x");
      auto error = co_await std::move(putting);
      results_->push_back(std::move(error));
      [[maybe_unused]] const auto slept = co_await sleep_for(100ms);
    }
  }

private:
  std::vector<caf::error>* results_;
  std::string key_;
};

/// Sits in code that does not return, until the test lets it.
class stuck_worker : public singleton_worker {
public:
  stuck_worker(support::trap* where, int* lives)
    : where_(where), lives_(lives) {
    // nop
  }

  troupe::task<> run() override {
    ++*lives_;
    auto sitting = offload([where = where_] { where->sit(); });
    co_await std::move(sitting);
  }

private:
  support::trap* where_;
  int* lives_;
};

/// A node with a worker that sits in such code.
struct stuck_scene {
  explicit stuck_scene(on_overrun how) {
    troupe::supervisor_spec spec{.name = "shop"};
    spec.add(singleton<stuck_worker>("clerk", {.on_overrun = how, .node = "a"},
                                     &trap, &lives));
    tree = troupe::spawn(sys, std::move(spec));
    REQUIRE_FALSE(tree.startup());
    sys.advance(1s);
    trap.await();
  }

  int lives = 0;
  troupe::testing::system sys{{.patience = timespan{0}}};
  support::trap trap; // lets the thread go before the system ends
  memory_directory directory{sys};
  node a{sys, {.name = "a", .directory = directory.get()}};
  troupe::supervisor_ref tree;
};

/// A node, and a tree with the singleton.
class place {
public:
  place(diary& book, troupe::testing::system& sys,
        const memory_directory& directory, const std::string& name,
        singleton_options how = {})
    : node_(std::make_unique<troupe::cluster::node>(
        sys, node_options{.name = name,
                          .roles = {"billing"},
                          .listen = {"10.0.0.1", 4711},
                          .directory = directory.get()})) {
    how.node = name;
    troupe::supervisor_spec spec{.name = "shop_" + name};
    spec.add(singleton<biller>("biller", std::move(how), &book, &sys, name));
    tree_ = troupe::spawn(sys, std::move(spec));
    started_ = tree_.startup();
  }

  place(const place&) = delete;

  place& operator=(const place&) = delete;

  ~place() {
    stop();
  }

  void stop() {
    tree_.shutdown();
    node_ = nullptr;
  }

  [[nodiscard]] const troupe::startup_result& started() const {
    return started_;
  }

  [[nodiscard]] troupe::cluster::node& node() {
    return *node_;
  }

  [[nodiscard]] const troupe::supervisor_ref& tree() const {
    return tree_;
  }

private:
  std::unique_ptr<troupe::cluster::node> node_;
  troupe::supervisor_ref tree_;
  troupe::startup_result started_;
};

/// Two nodes, of which `a` is there first.
struct scene {
  explicit scene(const singleton_options& how = {}, memory_options all = {})
    : directory(sys, all) {
    a = std::make_unique<place>(book, sys, directory, "a", how);
    sys.advance(1s);
    b = std::make_unique<place>(book, sys, directory, "b", how);
    sys.advance(1s);
  }

  [[nodiscard]] std::size_t lives() const {
    return book.lives.size();
  }

  [[nodiscard]] const life& last() const {
    return book.lives.back();
  }

  diary book;
  troupe::testing::system sys;
  memory_directory directory;
  std::unique_ptr<place> a;
  std::unique_ptr<place> b;
};

std::string failed_start(troupe::testing::system& sys,
                         const singleton_options& how) {
  diary book;
  troupe::supervisor_spec spec{.name = "shop"};
  spec.add(singleton<biller>("biller", how, &book, &sys, std::string{"x"}));
  auto tree = troupe::spawn(sys, std::move(spec));
  return troupe::text_of(tree.startup());
}

} // namespace

TEST_CASE("N4 of all candidates one runs") {
  scene x;
  CHECK_FALSE(x.a->started());
  CHECK_FALSE(x.b->started());
  REQUIRE(x.lives() == 1);
  CHECK(x.last().where == "a");
  CHECK(x.last().number.generation == 1);
  x.sys.advance(10min);
  CHECK(x.lives() == 1);
  CHECK(x.last().ended == never);
  CHECK(x.book.writes == std::vector<std::string>{"written"});
  CHECK(x.directory.value("/last") == "0");
}

TEST_CASE("N4 another one takes over at once when the first is stopped") {
  scene x;
  const auto when = x.sys.now();
  x.a->stop();
  x.sys.advance(1s);
  REQUIRE(x.lives() == 2);
  CHECK(x.last().where == "b");
  CHECK(x.last().begun < when + 100ms);
  CHECK(x.book.lives[0].number < x.last().number);
  CHECK_FALSE(x.book.overlaps());
}

TEST_CASE("N5 who cannot renew stops before another one runs") {
  scene x;
  const auto when = x.sys.now();
  x.directory.cut("a");
  x.sys.advance(1min);
  REQUIRE(x.lives() == 2);
  CHECK(x.last().where == "b");
  CHECK_FALSE(x.book.overlaps());
  CHECK(x.book.lives[0].ended > when);
  CHECK(x.book.lives[0].ended < when + 13500ms);
  CHECK(x.last().begun < when + 16s);
  // It comes back as a candidate.
  x.directory.heal("a");
  x.sys.advance(1min);
  CHECK(x.lives() == 2);
  x.b->stop();
  x.sys.advance(1s);
  REQUIRE(x.lives() == 3);
  CHECK(x.last().where == "a");
  CHECK_FALSE(x.book.overlaps());
}

TEST_CASE("N5 a worker that ignores its stop is over by the end of its grant") {
  scene x;
  x.b->stop();
  x.book.ignores_stops = true;
  x.directory.delete_key("biller");
  x.sys.advance(1min);
  // Deleted by an operator: it has the time that it needs to stop.
  REQUIRE(x.lives() == 2);
  x.b = std::make_unique<place>(x.book, x.sys, x.directory, "b");
  x.sys.advance(1s);
  const auto when = x.sys.now();
  x.directory.cut("a");
  x.sys.advance(1min);
  REQUIRE(x.lives() == 3);
  CHECK(x.book.lives[1].ended > when + 5s);
  CHECK(x.book.lives[1].ended < when + 13500ms);
  CHECK_FALSE(x.book.overlaps());
  x.book.ignores_stops = false;
}

TEST_CASE("N5 code that does not return keeps others from starting") {
  stuck_scene x{on_overrun::report};
  // Somebody stops it, and it cannot be stopped: the grant is not given back.
  auto stopping = x.tree.terminate_child("clerk");
  x.sys.advance(1min);
  CHECK(stopping.get());
  CHECK(x.directory.holder("clerk") == "a");
  auto starting = x.tree.start_child("clerk");
  x.sys.advance(1min);
  CHECK(x.lives == 1);
  CHECK_THAT(to_string(x.tree.status_tree()),
             ContainsSubstring("degraded: code of its last worker still runs"));
  // Nor does it begin again in this process when the lease was lost.
  x.directory.cut("a");
  x.sys.advance(1min);
  CHECK(x.directory.holder("clerk").empty());
  x.directory.heal("a");
  x.sys.advance(1min);
  CHECK(x.a.status().epoch > 0);
  CHECK(x.lives == 1);
  x.trap.open();
  x.tree.shutdown();
}

TEST_CASE("N5 a worker that overruns its grant ends the process",
          "[.overrun]") {
  stuck_scene x{on_overrun::exit_process};
  x.directory.cut("a");
  x.sys.advance(12s);
  std::fputs("the grant holds\n", stderr);
  x.sys.advance(4s);
  std::fputs("nothing has happened\n", stderr);
}

TEST_CASE("N5 a process ends whose singleton overruns its grant") {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const auto command = "'" + self.string() + "' '[.overrun]' 2>&1";
  auto* program = ::popen(command.c_str(), "r");
  REQUIRE(program != nullptr);
  std::string said;
  for (int c = 0; (c = std::fgetc(program)) != EOF;)
    said += static_cast<char>(c);
  const auto status = ::pclose(program);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK_THAT(said, ContainsSubstring("the grant holds"));
  CHECK_THAT(said, ContainsSubstring("troupe: worker \"clerk\" (/shop/clerk): "
                                     "the grant of this singleton is over, and "
                                     "its code does not return"));
  CHECK_THAT(said, !ContainsSubstring("nothing has happened"));
}

TEST_CASE("N7 a directory that is away keeps nobody but singletons") {
  diary book;
  troupe::testing::system sys;
  memory_directory directory{sys};
  directory.cut("a");
  place a{book, sys, directory, "a"};
  CHECK_FALSE(a.started());
  sys.advance(1min);
  CHECK(book.lives.empty());
  const auto error = a.node().wait_until_member(1s);
  CHECK(error == troupe::errc::timed_out);
  CHECK_THAT(troupe::text_of(error),
             ContainsSubstring("node \"a\" is not a member yet: the directory "
                               "in memory does not answer"));
  CHECK_THAT(to_string(a.tree().status_tree()),
             ContainsSubstring("degraded: the directory in memory does not "
                               "answer"));
  directory.heal("a");
  CHECK_FALSE(a.node().wait_until_member(5s));
  sys.advance(1s);
  CHECK(book.lives.size() == 1);
  CHECK(a.node().status().trouble.empty());
  CHECK(to_string(a.tree().status_tree()).find("degraded")
        == std::string::npos);
}

TEST_CASE("N8 a lost session ends all grants, and another one begins") {
  scene x;
  const auto epoch = x.a->node().status().epoch;
  CHECK(epoch > 0);
  x.directory.end_lease("a");
  x.sys.advance(5s);
  CHECK(x.a->node().status().epoch > epoch);
  REQUIRE(x.lives() == 2);
  CHECK(x.last().where == "b");
  CHECK(x.book.lives[0].ended != never);
  CHECK(x.book.lives[0].number < x.last().number);
}

TEST_CASE("N4 an operator may delete the key, and another one gets it") {
  scene x;
  x.directory.delete_key("biller");
  x.sys.advance(10s);
  REQUIRE(x.lives() >= 2);
  CHECK(x.book.lives[0].ended != never);
  CHECK(x.book.lives[0].number < x.last().number);
}

TEST_CASE("N4 a worker that fails gives its grant to another process") {
  scene x;
  x.book.fails_at = "a";
  x.directory.end_lease("b"); // and its turn comes after that of a
  x.directory.delete_key("biller");
  x.sys.advance(1min);
  CHECK(x.last().where == "b");
  CHECK(x.last().ended == never);
  // Its supervisor has started it again: as a candidate.
  CHECK(x.a->tree().child("biller").state() == troupe::worker_state::running);
}

TEST_CASE("N4 a worker that returns ends the child that stands for it") {
  diary book;
  book.returns = true;
  troupe::testing::system sys;
  const memory_directory directory{sys};
  place a{book,
          sys,
          directory,
          "a",
          {.child = {.restart = troupe::restart::transient}}};
  sys.advance(1min);
  CHECK(book.lives.size() == 1);
  CHECK(a.tree().child("biller").state() == troupe::worker_state::stopped);
}

TEST_CASE("N6 a write is refused when the grant is gone") {
  std::vector<caf::error> writes;
  troupe::testing::system sys;
  memory_directory directory{sys};
  const node here{sys, {.name = "a", .directory = directory.get()}};
  troupe::supervisor_spec spec{.name = "shop"};
  spec.add(singleton<deaf_writer>("writer", {}, &writes));
  const auto tree = troupe::spawn(sys, std::move(spec));
  REQUIRE_FALSE(tree.startup());
  sys.advance(1s);
  REQUIRE(writes.size() > 5);
  CHECK_FALSE(writes.back());
  CHECK(directory.value("/last") == "x");
  directory.delete_key("writer");
  writes.clear();
  sys.advance(1s);
  REQUIRE(writes.size() > 5);
  CHECK(writes.back() == troupe::errc::cancelled);
  CHECK_THAT(troupe::text_of(writes.back()),
             ContainsSubstring("\"/last\" was not written: the grant"));
  tree.shutdown();
}

TEST_CASE("N6 a write without an answer says that nobody knows") {
  std::vector<caf::error> writes;
  troupe::testing::system sys;
  memory_directory directory{sys};
  const node here{sys, {.name = "a", .directory = directory.get()}};
  troupe::supervisor_spec spec{.name = "shop"};
  spec.add(singleton<deaf_writer>(
    "writer", {.child = {.worker = {.stopping_grace_period = 2s}}}, &writes));
  const auto tree = troupe::spawn(sys, std::move(spec));
  REQUIRE_FALSE(tree.startup());
  sys.advance(1s);
  directory.cut("a");
  sys.advance(5s);
  directory.heal("a");
  writes.clear();
  sys.advance(9s);
  REQUIRE_FALSE(writes.empty());
  CHECK(writes.front() == troupe::errc::timed_out);
  tree.shutdown();
}

TEST_CASE("N6 a key of troupe's own is not written") {
  std::vector<caf::error> writes;
  troupe::testing::system sys;
  memory_directory directory{sys};
  const node here{sys, {.name = "a", .directory = directory.get()}};
  troupe::supervisor_spec spec{.name = "shop"};
  spec.add(singleton<deaf_writer>("writer", {}, &writes,
                                  std::string{"/troupe/members/a"}));
  const auto tree = troupe::spawn(sys, std::move(spec));
  REQUIRE_FALSE(tree.startup());
  sys.advance(1s);
  REQUIRE_FALSE(writes.empty());
  CHECK(writes.front() == troupe::errc::invalid_argument);
  tree.shutdown();
}

TEST_CASE("N3 members come and go") {
  scene x;
  x.sys.advance(1s);
  auto all = x.a->node().members();
  REQUIRE(all.members.size() == 2);
  CHECK_FALSE(all.unknown_for);
  CHECK(all.members[0].name == "a");
  CHECK(all.members[1].name == "b");
  CHECK(all.members[1].roles == std::vector<std::string>{"billing"});
  CHECK(to_string(all.members[1].address) == "10.0.0.1:4711");
  CHECK(all.members[0].epoch < all.members[1].epoch);
  x.directory.cut("a");
  x.sys.advance(10s);
  all = x.a->node().members();
  CHECK(all.members.size() == 2);
  REQUIRE(all.unknown_for);
  CHECK(*all.unknown_for > 6s);
  x.directory.heal("a");
  x.b->stop();
  x.sys.advance(5s);
  all = x.a->node().members();
  CHECK(all.members.size() == 1);
  CHECK_FALSE(all.unknown_for);
}

TEST_CASE("N4 the status says who holds it, and with which token") {
  scene x;
  const auto holder = to_string(x.a->tree().status_tree(1s));
  CHECK_THAT(holder, ContainsSubstring("role: holder"));
  CHECK_THAT(holder, ContainsSubstring(to_string(x.last().number)));
  const auto other = to_string(x.b->tree().status_tree(1s));
  CHECK_THAT(other, ContainsSubstring("role: candidate"));
  CHECK_THAT(other, ContainsSubstring("holder: a"));
}

TEST_CASE("N5 a lease that is too short is refused with the length it needs") {
  troupe::testing::system sys;
  const memory_directory directory{sys, {.ttl = 10s}};
  const node here{sys, {.name = "a", .directory = directory.get()}};
  CHECK_THAT(
    failed_start(sys, {.child = {.worker = {.stopping_grace_period = 10s}}}),
    ContainsSubstring("singleton \"biller\": its worker may take 14s to stop")
      && ContainsSubstring("a lease of 10s leaves it 4s")
      && ContainsSubstring("use a ttl of 35s or more"));
  CHECK_THAT(failed_start(sys, {.child = {.worker = {.stopping_grace_period
                                                     = troupe::infinite}}}),
             ContainsSubstring("may take for ever to stop"));
}

TEST_CASE("N4 a singleton without a node, or with a list, says what to do") {
  troupe::testing::system sys;
  CHECK_THAT(failed_start(sys, {}),
             ContainsSubstring("singleton \"biller\": this actor system has no "
                               "node; make a troupe::cluster::node before"));
  const node here{sys, {.name = "a"}};
  CHECK_THAT(failed_start(sys, {}),
             ContainsSubstring("the directory of node \"a\" is the static "
                               "list, which has no leases"));
  CHECK_THAT(failed_start(sys, {.node = "x"}),
             ContainsSubstring("has no node \"x\""));
  const node other{sys, {.name = "b"}};
  CHECK_THAT(failed_start(sys, {}),
             ContainsSubstring("several nodes (a, b); name one"));
}

TEST_CASE("N2 a node is refused a name that is wrong, or taken") {
  troupe::testing::system sys;
  const auto make = [&sys](node_options how) {
    const node x{sys, std::move(how)};
  };
  CHECK_THROWS_MATCHES(make({}), std::invalid_argument,
                       MessageMatches(ContainsSubstring("node has no name")));
  CHECK_THROWS_MATCHES(make({.name = "a/b"}), std::invalid_argument,
                       MessageMatches(
                         ContainsSubstring("node \"a/b\": a name must not")));
  CHECK_THROWS_MATCHES(
    make(
      {.name = "a", .directory = static_list({{.name = "b"}, {.name = "b"}})}),
    std::invalid_argument,
    MessageMatches(ContainsSubstring("two members have the name \"b\"")));
  const node here{sys, {.name = "a"}};
  CHECK_THROWS_MATCHES(make({.name = "a"}), std::invalid_argument,
                       MessageMatches(
                         ContainsSubstring("has a node of that name")));
  CHECK(here.members().members.size() == 1);
  CHECK_FALSE(here.wait_until_member(0s));
}

TEST_CASE("N2 two processes of one name: the second is told of the first") {
  troupe::testing::system one;
  troupe::testing::system two;
  const memory_directory directory{one};
  auto first
    = std::make_unique<node>(one, node_options{.name = "a",
                                               .listen = {"10.0.0.1", 1},
                                               .directory = directory.get()});
  node second{
    two,
    {.name = "a", .listen = {"10.0.0.2", 2}, .directory = directory.get()}};
  const auto pass = [&](timespan length) {
    for (auto t = timespan{0}; t < length; t += 10ms) {
      one.advance(10ms);
      two.advance(10ms);
    }
  };
  pass(20s);
  CHECK(first->status().epoch > 0);
  CHECK(second.status().epoch == 0);
  CHECK_THAT(second.status().trouble,
             ContainsSubstring("node \"a\" (10.0.0.2:2): a process at "
                               "10.0.0.1:1 has that name"));
  first = nullptr;
  pass(4s);
  CHECK(second.status().epoch > 0);
  CHECK(second.status().trouble.empty());
}
