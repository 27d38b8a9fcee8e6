// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/directory.hpp"
#include "cluster/etcd_text.hpp"
#include "troupe/cluster.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <utility>
#include <vector>

#ifdef TROUPE_ETCD
#  include "support/etcd_server.hpp"
#  include "support/real_system.hpp"
#  include "support/server_script.hpp"
#  include "troupe/error.hpp"
#  include "troupe/supervisor_ref.hpp"
#  include "troupe/supervisor_spec.hpp"

#  include <algorithm>
#  include <chrono>
#  include <condition_variable>
#  include <memory>
#  include <mutex>
#  include <stdexcept>
#  include <thread>
#endif

using namespace std::chrono_literals;
using namespace troupe::cluster;

using Catch::Matchers::ContainsSubstring;

// -- texts -----------------------------------------------------------------------

TEST_CASE("N2 keys and values are in base64") {
  using etcd_text::base64;
  using etcd_text::bytes_of;
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    CHECK(bytes_of(base64(all)) == all);
  }
  CHECK(bytes_of("Zm9v!").empty());
}

TEST_CASE("N3 a look is at all keys with a prefix") {
  CHECK(etcd_text::end_of("/shop/") == "/shop0");
  CHECK(etcd_text::end_of("a\xFF\xFF") == "b");
  CHECK(etcd_text::end_of("\xFF") == std::string(1, '\0'));
  CHECK(etcd_text::list("a") == R"({"key":"YQ==","range_end":"Yg=="})");
}

TEST_CASE("N2 numbers of 64 bits are texts") {
  CHECK(etcd_text::grant(15s) == R"({"TTL":"15"})");
  CHECK(etcd_text::grant(1500ms) == R"({"TTL":"2"})");
  CHECK(etcd_text::about(7587870112390453255)
        == R"({"ID":"7587870112390453255"})");
  const auto lease = etcd_text::read_grant(
    R"({"header":{"revision":"1"},"ID":"7587870112390453255","TTL":"15"})");
  REQUIRE(lease);
  CHECK(lease->lease == 7587870112390453255);
  CHECK(lease->ttl == 15s);
  const auto wrong = etcd_text::read_grant(R"({"ID":"x","TTL":"15"})");
  CHECK_FALSE(wrong);
  CHECK_THAT(wrong.error(),
             ContainsSubstring("ID is \"x\", which is no number"));
}

TEST_CASE("N1 a lease of which no time is left out is gone") {
  const auto there = etcd_text::read_keep_alive(
    "{\"result\":{\"header\":{},\"ID\":\"7\",\"TTL\":\"15\"}}\n");
  REQUIRE(there);
  CHECK(*there);
  const auto gone
    = etcd_text::read_keep_alive("{\"result\":{\"header\":{},\"ID\":\"7\"}}\n");
  REQUIRE(gone);
  CHECK_FALSE(*gone);
  CHECK_FALSE(etcd_text::read_keep_alive(
    R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})"));
}

TEST_CASE("N4 a claim makes the key, or reads it") {
  CHECK(etcd_text::claim("k", "v", 7)
        == R"({"compare":[{"create_revision":"0","key":"aw==",)"
           R"("result":"EQUAL","target":"CREATE"}],)"
           R"("failure":[{"request_range":{"key":"aw=="}}],)"
           R"("success":[{"request_put":{"key":"aw==","lease":"7",)"
           R"("value":"dg=="}}]})");
  const auto made = etcd_text::read_claim(
    R"({"header":{"revision":"5"},"succeeded":true,)"
    R"("responses":[{"response_put":{"header":{"revision":"5"}}}]})",
    7, "v");
  REQUIRE(made);
  CHECK(*made == rules::claim_answer{5, 5, 7, "v"});
  // `succeeded` is left out when it is false.
  const auto read = etcd_text::read_claim(
    R"({"header":{"revision":"9"},"responses":[{"response_range":{"kvs":)"
    R"([{"key":"aw==","create_revision":"4","mod_revision":"4","version":"1",)"
    R"("value":"Yg==","lease":"8"}],"count":"1"}}]})",
    7, "v");
  REQUIRE(read);
  CHECK(*read == rules::claim_answer{9, 4, 8, "b"});
}

TEST_CASE("N4 what cannot be read is no answer") {
  for (const std::string body :
       {"", "[]", "null", "{}", "{\"header\":[]}", "<html>",
        R"({"header":{"revision":"9"}})",
        R"({"header":{"revision":"9"},"responses":[{}]})",
        R"({"error":"etcdserver: requested lease not found","code":5})"}) {
    CAPTURE(body);
    CHECK_FALSE(etcd_text::read_claim(body, 7, "v"));
  }
  CHECK(etcd_text::read_error(404, R"({"error":"not found","code":5})")
        == "not found");
  CHECK(etcd_text::read_error(502, "<html>") == "it answers with status 502");
}

TEST_CASE("N2 options of etcd that are wrong are named") {
  const auto wrong = [](std::vector<std::string> endpoints, etcd_options how) {
    return etcd(std::move(endpoints), std::move(how))->check();
  };
  const std::vector<std::string> good{"http://127.0.0.1:2379"};
  CHECK(wrong(good, {.prefix = "/shop"}).empty());
  CHECK_THAT(wrong({}, {.prefix = "/shop"}),
             ContainsSubstring("etcd: there is no endpoint"));
  CHECK_THAT(wrong({"10.0.0.9:2379"}, {.prefix = "/shop"}),
             ContainsSubstring("the endpoint \"10.0.0.9:2379\" is not of"));
  for (const std::string prefix : {"", "/", "shop", "/shop/"})
    CHECK_THAT(wrong(good, {.prefix = prefix}),
               ContainsSubstring("the prefix \"" + prefix + "\" does not"));
  for (const troupe::timespan ttl :
       {troupe::timespan{1s}, troupe::timespan{2500ms}, troupe::timespan{2h}})
    CHECK_THAT(wrong(good, {.prefix = "/shop", .ttl = ttl}),
               ContainsSubstring("the ttl is not a whole number of seconds"));
  CHECK_THAT(wrong(good, {.prefix = "/shop", .generation = 0}),
             ContainsSubstring("the generation is 0"));
}

// -- a server --------------------------------------------------------------------

#ifdef TROUPE_ETCD

namespace {

/// The deeds of the workers, in their order.
class diary {
public:
  void note(std::string what) {
    std::unique_lock guard{mtx_};
    lines_.push_back(std::move(what));
    changed_.notify_all();
  }

  /// Waits until that is there.
  bool wait_for(const std::string& what) {
    std::unique_lock guard{mtx_};
    return changed_.wait_for(guard, 30s, [&] {
      return std::find(lines_.begin(), lines_.end(), what) != lines_.end();
    });
  }

  std::vector<token> tokens() {
    std::unique_lock guard{mtx_};
    return tokens_;
  }

  void add(token x) {
    std::unique_lock guard{mtx_};
    tokens_.push_back(x);
  }

private:
  std::mutex mtx_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::vector<token> tokens_;
};

class biller : public singleton_worker {
public:
  biller(diary* book, std::string where)
    : book_(book), where_(std::move(where)) {
    // nop
  }

  troupe::task<> run() override {
    book_->add(token());
    auto putting = guarded_put("/last", where_);
    const auto error = co_await std::move(putting);
    book_->note(error ? to_string(error) : where_ + " runs");
    auto stopped = stop_requested();
    co_await std::move(stopped);
    book_->note(where_ + " stops");
  }

private:
  diary* book_;
  std::string where_;
};

singleton_options quick(const std::string& node) {
  return {.child = {.worker = {.stopping_grace_period = 200ms,
                               .cleanup_period = 100ms,
                               .force_period = 100ms}},
          .node = node};
}

/// A node with a tree, in an actor system of its own.
class process {
public:
  process(const std::string& name, const directory_ptr& where, diary& book)
    : node_(std::make_unique<troupe::cluster::node>(
        system_, node_options{.name = name,
                              .listen = {"127.0.0.1", 1},
                              .directory = where})) {
    troupe::supervisor_spec spec{.name = "shop"};
    spec.add(singleton<biller>("biller", quick({}), &book, name));
    tree_ = troupe::spawn(system_, std::move(spec));
    if (auto error = tree_.startup())
      throw std::runtime_error{to_string(error)};
  }

  process(const process&) = delete;

  process& operator=(const process&) = delete;

  ~process() {
    tree_.shutdown();
  }

  [[nodiscard]] troupe::cluster::node& node() {
    return *node_;
  }

private:
  support::real_system system_;
  std::unique_ptr<troupe::cluster::node> node_;
  troupe::supervisor_ref tree_;
};

/// Whether `done` holds in a while: the directory says when something changes,
/// nobody says that a node has heard of it.
template <class F>
bool soon(F done) {
  for (auto i = 0; i < 3000; ++i) {
    if (done())
      return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

} // namespace

TEST_CASE("N3 N4 members, a singleton and its successor, with etcd") {
  support::etcd_server server;
  const auto where = [&server] {
    return etcd({server.url()}, {.prefix = "/shop", .ttl = 5s});
  };
  diary book;
  auto a = std::make_unique<process>("a", where(), book);
  REQUIRE(book.wait_for("a runs"));
  process b{"b", where(), book};
  REQUIRE_FALSE(b.node().wait_until_member(30s));
  CHECK(soon([&] { return a->node().members().members.size() == 2; }));
  CHECK(soon([&] { return b.node().members().members.size() == 2; }));
  const auto all = b.node().members().members;
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "a");
  CHECK(to_string(all[0].address) == "127.0.0.1:1");
  CHECK(all[0].epoch < all[1].epoch);
  // A second process of one name.
  {
    support::real_system other;
    node twin{other,
              {.name = "b", .listen = {"127.0.0.1", 2}, .directory = where()}};
    CHECK(soon([&] {
      return twin.status().trouble.find("has that name") != std::string::npos;
    }));
    const auto error = twin.wait_until_member(0s);
    CHECK(error == troupe::errc::timed_out);
    CHECK_THAT(troupe::text_of(error),
               ContainsSubstring("node \"b\" (127.0.0.1:2): a process at "
                                 "127.0.0.1:1 has that name"));
  }
  a = nullptr;
  REQUIRE(book.wait_for("b runs"));
  CHECK(soon([&] { return b.node().members().members.size() == 1; }));
  const auto tokens = book.tokens();
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0] < tokens[1]);
}

TEST_CASE("N7 etcd goes, and comes back") {
  support::etcd_server server;
  server.kill();
  diary book;
  process a{"a", etcd({server.url()}, {.prefix = "/shop", .ttl = 2s}), book};
  const auto error = a.node().wait_until_member(1s);
  CHECK(error == troupe::errc::timed_out);
  CHECK_THAT(troupe::text_of(error), ContainsSubstring(server.url()));
  server.start();
  REQUIRE(book.wait_for("a runs"));
  // It is there, and answers nobody.
  server.pause();
  REQUIRE(book.wait_for("a stops"));
  CHECK(soon([&] { return a.node().members().unknown_for.has_value(); }));
  server.resume();
  REQUIRE(soon([&] { return book.tokens().size() == 2; }));
  const auto tokens = book.tokens();
  CHECK(tokens[0] <= tokens[1]);
}

TEST_CASE("N15 an address that answers nobody is passed over") {
  support::etcd_server server;
  // It takes connections, and never reads.
  const auto silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(silent, name, length) == 0);
  REQUIRE(::getsockname(silent, name, &length) == 0);
  REQUIRE(::listen(silent, 8) == 0);
  const auto silent_url = "http://127.0.0.1:"
                          + std::to_string(ntohs(address.sin_port));
  diary book;
  process a{"a",
            etcd({silent_url, server.url()}, {.prefix = "/shop", .ttl = 5s}),
            book};
  CHECK(book.wait_for("a runs"));
  ::close(silent);
}

#endif
