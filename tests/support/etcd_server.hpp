// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/server_script.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace support {

/// A server of etcd's for tests, in a folder and on ports of its own. It ends
/// with this, or with the process, see etcd_server.sh.
class etcd_server {
public:
  etcd_server() {
    for (auto attempts = 3; attempts > 0; --attempts) {
      port_ = free_port();
      const auto peer_port = free_port();
      if (script_.begin({TROUPE_ETCD_SCRIPT, TROUPE_ETCD, "{}",
                         std::to_string(port_), std::to_string(peer_port)})
          == "ready")
        return;
      script_.end();
    }
    throw std::runtime_error{"etcd does not start; see above"};
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }

  /// Has it crash.
  void kill() {
    script_.tell("kill");
  }

  void start() {
    script_.tell("start");
  }

  /// Has it answer nobody, without its connections being closed.
  void pause() {
    script_.tell("pause");
  }

  void resume() {
    script_.tell("continue");
  }

private:
  server_script script_;
  std::uint16_t port_ = 0;
};

} // namespace support
