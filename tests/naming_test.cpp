// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/naming.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

using troupe::rules::child_path;
using troupe::rules::snake_case;
using troupe::rules::with_article;

TEST_CASE("L2 a class name becomes snake_case") {
  struct pair {
    const char* from;
    const char* to;
  };
  const pair pairs[] = {
    {"worker", "worker"},
    {"my_worker", "my_worker"},
    {"Worker", "worker"},
    {"MyWorker", "my_worker"},
    {"HTTPServer", "http_server"},
    {"MyHTTPServer", "my_http_server"},
    {"MyHTTP", "my_http"},
    {"HTTP", "http"},
    {"aB", "a_b"},
    {"A", "a"},
    {"parseJSONFast", "parse_json_fast"},
    // Digits belong to the word before them.
    {"Worker2", "worker2"},
    {"Utf8Reader", "utf8_reader"},
    {"HTTP2Server", "http2_server"},
    {"worker_2", "worker_2"},
    // Underscores are not doubled.
    {"My_Worker", "my_worker"},
    {"worker_", "worker"},
    {"_Worker", "worker"},
  };
  for (auto& x : pairs) {
    INFO(x.from);
    CHECK(snake_case(x.from) == x.to);
  }
}

TEST_CASE("L2 namespaces, scopes and template arguments are not part of it") {
  CHECK(snake_case("net::HTTPServer") == "http_server");
  CHECK(snake_case("a::b::c::MyWorker") == "my_worker");
  CHECK(snake_case("(anonymous namespace)::MyWorker") == "my_worker");
  CHECK(snake_case("{anonymous}::MyWorker") == "my_worker");
  CHECK(snake_case("net::(anonymous namespace)::MyWorker") == "my_worker");
  CHECK(snake_case("main()::local_worker") == "local_worker");
  CHECK(snake_case("f(int, std::vector<int>)::LocalWorker") == "local_worker");
  CHECK(snake_case("f()::{lambda(int)#1}::operator()(int) const::LocalWorker")
        == "local_worker");
  CHECK(snake_case("queue_worker<int>") == "queue_worker");
  CHECK(snake_case("net::Pool<std::vector<net::Item>, 3>") == "pool");
  CHECK(snake_case("net::Pool<int>::Member") == "member");
  CHECK(snake_case("Outer<a::B>::Inner<c::D>") == "inner");
}

TEST_CASE("L2 there is always some name") {
  CHECK(snake_case("") == "worker");
  CHECK(snake_case("main()::{lambda()#1}") != "");
  CHECK(snake_case("___") == "worker");
}

TEST_CASE("a path is the names from the topmost worker down") {
  CHECK(child_path("", "pipeline") == "/pipeline");
  CHECK(child_path("/pipeline", "writer") == "/pipeline/writer");
}

TEST_CASE("a name has the article that goes with it") {
  CHECK(with_article("idle") == "an idle");
  CHECK(with_article("Account") == "an Account");
  CHECK(with_article("net::idle") == "a net::idle");
  CHECK(with_article("(anonymous namespace)::Writer")
        == "an (anonymous namespace)::Writer");
  CHECK(with_article("user") == "a user");
  CHECK(with_article("") == "a ");
}
