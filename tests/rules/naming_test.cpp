// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/naming.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>

using namespace std::string_view_literals;

using troupe::rules::check_name;
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

TEST_CASE("S1 what a name must not be") {
  struct row {
    std::string_view name;
    std::string_view wrong;
  };
  constexpr auto slash = "a name must not contain '/', which separates the "
                         "names in a path; choose another one"sv;
  constexpr auto control = "a name must not contain control characters; choose "
                           "another one"sv;
  const row rows[] = {
    {"a"sv, {}},
    {"a b.c-d#1"sv, {}},
    {"%s \"quoted\" <b>"sv, {}},
    {"w\xc3\xb6rker"sv, {}}, // a letter of two bytes
    {"\xe2\x80\xae"
     "a"sv,
     {}},            // turned around: shown as an escape
    {"a\xff"sv, {}}, // no UTF-8: the same
    {"a\xc2"sv, {}},
    {"\xc2\xa0"sv, {}},
    {"a/b"sv, slash},
    {"/"sv, slash},
    {"a\0b"sv, control},
    {"a\0"sv, control},
    {"\0"sv, control},
    {"a\nb"sv, control},
    {"a\rb"sv, control},
    {"\t"sv, control},
    {"\x1b[2J"sv, control},
    {"\x7f"sv, control},
    {"\xc2\x80"sv, control},
    {"a\xc2\x9f"sv, control},
  };
  for (auto& x : rows) {
    INFO(x.name);
    auto wrong = check_name("worker", x.name);
    if (x.wrong.empty())
      CHECK(wrong.empty());
    else
      CHECK(wrong.ends_with(x.wrong));
  }
  CHECK(check_name("child", "") == "a child has no name; set its name");
  // The text is one line itself.
  CHECK(
    check_name("child", "a\0\nb"sv)
    == "child \"a\\x00\\x0ab\": a name must not contain control characters; "
       "choose another one");
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
