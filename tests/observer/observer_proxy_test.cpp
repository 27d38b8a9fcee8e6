// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// An observer behind a proxy whose callers share connections to it: nginx.

#include "support/observer_scene.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#ifndef TROUPE_NGINX
#  define TROUPE_NGINX "" // The test is disabled.
#endif

using Catch::Matchers::ContainsSubstring;
using support::count_answers;
using support::raw_connection;
using support::scene;
using support::token;
using support::tree;

namespace {

/// An nginx that hands all it gets to one port, by one connection.
class proxy {
public:
  explicit proxy(std::uint16_t port) {
    std::string name = std::filesystem::temp_directory_path() / "proxy-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    const auto is_root = ::getuid() == 0 ? "user root;\n" : "";
    std::ofstream{folder_ / "conf"}
      << is_root << "pid " << name << "/pid;\nerror_log " << name
      << "/log;\nworker_processes 1;\nevents {}\nhttp {\n"
      << "access_log off;\nclient_body_temp_path " << name
      << ";\nproxy_temp_path " << name << ";\nfastcgi_temp_path " << name
      << ";\nuwsgi_temp_path " << name << ";\nscgi_temp_path " << name
      << ";\nupstream observer { server 127.0.0.1:" << port
      << "; keepalive 1; }\nserver {\nlisten unix:" << socket() << ";\n"
      << "location / {\nproxy_pass http://observer;\n"
      << "proxy_http_version 1.1;\nproxy_set_header Connection \"\";\n"
      << "proxy_set_header Host localhost;\nproxy_request_buffering off;\n"
      << "proxy_next_upstream off;\n}\n}\n}\n";
    // It listens when that returns.
    REQUIRE(call("") == 0);
  }

  proxy(const proxy&) = delete;

  proxy& operator=(const proxy&) = delete;

  ~proxy() {
    call("-s quit");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string socket() const {
    return folder_ / "socket";
  }

private:
  int call(const std::string& how) const {
    const auto line = std::string{TROUPE_NGINX} + " -c " + folder_.string()
                      + "/conf -e " + folder_.string() + "/log " + how;
    return std::system(line.c_str());
  }

  std::filesystem::path folder_;
};

} // namespace

TEST_CASE("no caller of a proxy speaks in the name of the next one") {
  scene it{{.token = token}};
  auto root = troupe::spawn(it.sys, tree());
  root.startup();
  const proxy nginx{it.observer_.port()};
  auto answer_to = [&nginx](const std::string& request) {
    raw_connection client{nginx.socket()};
    client.say(request);
    return client.all();
  };
  const std::string host = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  const std::string hidden = "POST /children/tree/sleeper/stop HTTP/1.1\r\n"
                             "Host: localhost\r\nX: ";
  const std::string long_body = hidden + std::string(5000, 'x');
  for (auto method : {"GET", "HEAD", "POST", "PUT", "OPTIONS"}) {
    for (const auto& body :
         {"Content-Length: " + std::to_string(hidden.size()) + "\r\n\r\n"
            + hidden,
          "Content-Length: " + std::to_string(long_body.size()) + "\r\n\r\n"
            + long_body,
          "Transfer-Encoding: chunked\r\n\r\n50\r\n" + hidden
            + std::string(0x50 - hidden.size(), 'x') + "\r\n0\r\n\r\n"}) {
      CAPTURE(method, body.substr(0, 40));
      CHECK(count_answers(answer_to(method + (" /healthz" + host) + body))
            == 1);
      // The next caller, with a token, gets the answer to its own request.
      const auto next = answer_to(
        "GET /healthz" + host + "Authorization: Bearer " + token + "\r\n\r\n");
      CHECK_THAT(next, ContainsSubstring("200 OK"));
      CHECK_THAT(next, ContainsSubstring("\r\n\r\nok\n"));
      CHECK(root.child("sleeper").state() == troupe::worker_state::running);
    }
  }
  root.shutdown();
}
