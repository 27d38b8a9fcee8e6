// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/server_script.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

/// Servers of PostgreSQL's for tests, as users of their own, in folders and on
/// ports of their own. Their programs are where `TROUPE_POSTGRES_BIN` says.
namespace support {

/// A server. It ends with this, or with the process, see postgres_server.sh.
class postgres_server {
public:
  postgres_server() {
    for (auto attempts = 3; attempts > 0; --attempts) {
      port_ = free_port();
      if (script_.begin({TROUPE_POSTGRES_SCRIPT, TROUPE_POSTGRES_BIN, "{}",
                         std::to_string(port_)})
          == "ready")
        return;
      script_.end();
    }
    throw std::runtime_error{"PostgreSQL does not start; see above"};
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  /// Has it crash.
  void kill() {
    script_.tell("kill");
  }

  void stop() {
    script_.tell("stop");
  }

  void start() {
    script_.tell("start");
  }

  /// The URL of one of its databases.
  [[nodiscard]] std::string url(const std::string& database = "postgres",
                                const std::string& password = "secret") const {
    return "postgresql://troupe:" + password
           + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }

private:
  server_script script_;
  std::uint16_t port_ = 0;
};

/// One for all tests of a program, which it starts when it is needed.
inline postgres_server& shared_postgres() {
  static postgres_server result;
  return result;
}

} // namespace support
