// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/real_system.hpp"

#include <caf/actor_system.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>

#include <functional>
#include <memory>

namespace support {

/// An actor system that others can reach.
class node {
public:
  /// @param adapt Is called with the configuration before the system starts.
  explicit node(const std::function<void(real_config&)>& adapt
                = [](real_config&) {}) {
    caf::init_global_meta_objects<caf::id_block::io_module>();
    config_.load<caf::io::middleman>();
    adapt(config_);
    system_ = std::make_unique<caf::actor_system>(config_);
  }

  caf::actor_system& sys() noexcept {
    return *system_;
  }

private:
  known_types known_;
  real_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

} // namespace support
