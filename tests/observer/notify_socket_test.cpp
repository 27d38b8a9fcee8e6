// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/notify_socket.hpp"

#include "support/service_manager.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using support::lines;
using support::service_manager;
using troupe::notify_socket;

TEST_CASE("a socket is reached by its path, and by an abstract name") {
  for (const auto abstract : {false, true}) {
    const service_manager manager{abstract};
    notify_socket socket{manager.address()};
    CHECK(socket.send("READY=1") == notify_socket::result::sent);
    CHECK(manager.take() == lines{"READY=1"});
  }
}

TEST_CASE("an address that is none is refused in plain words") {
  const auto rows = std::vector<std::pair<std::string, const char*>>{
    {"", "must be an absolute path, or @ and a name"},
    {"/", "must be an absolute path"},
    {"run/notify", "\"run/notify\""},
    {"vsock:2:1234", "must be an absolute path"},
    {'/' + std::string(107, 'x'), "has 108 bytes"},
    {'@' + std::string(108, 'x'), "has 109 bytes"},
  };
  for (const auto& [address, expected] : rows)
    CHECK_THROWS_WITH(notify_socket{address}, ContainsSubstring(expected));
  CHECK_NOTHROW(notify_socket{'/' + std::string(106, 'x')});
  CHECK_NOTHROW(notify_socket{'@' + std::string(107, 'x')});
}

TEST_CASE("a socket that nobody reads does not block, and nobody's fails") {
  const service_manager manager;
  notify_socket socket{manager.address()};
  auto how = notify_socket::result::sent;
  for (int i = 0; i < 1'000'000 && how == notify_socket::result::sent; ++i)
    how = socket.send("STATUS=x");
  CHECK(how == notify_socket::result::full);
  notify_socket nowhere{manager.address() + "-not"};
  CHECK(nowhere.send("READY=1") == notify_socket::result::failed);
  CHECK(nowhere.error() == ENOENT);
}
