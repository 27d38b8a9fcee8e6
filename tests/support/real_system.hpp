// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/config.hpp"
#include "troupe/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>

#include <cstddef>
#include <functional>

namespace support {

/// A configuration of a real actor system, with threads and real time, for what
/// needs several threads.
class real_config : public troupe::config {
public:
  explicit real_config(std::size_t threads = 2) {
    set("caf.scheduler.max-threads", threads);
    set("troupe.complain", "none"); // Tests make workers fail on purpose.
  }
};

/// Makes the types of CAF and troupe known, which `CAF_MAIN` does in a program.
struct known_types {
  known_types() {
    static const bool once = [] {
      caf::core::init_global_meta_objects();
      caf::init_global_meta_objects<caf::id_block::troupe>();
      return true;
    }();
    static_cast<void>(once);
  }
};

/// A real actor system. Waits, at its end, for all actors that run.
class real_system : private known_types {
public:
  explicit real_system(std::size_t threads = 2)
    : config_(threads), sys_(config_) {
    // nop
  }

  /// @param adapt Is called with the configuration before the system starts.
  explicit real_system(const std::function<void(real_config&)>& adapt)
    : sys_(after(adapt, config_)) {
    // nop
  }

  operator caf::actor_system&() noexcept {
    return sys_;
  }

  caf::actor_system& sys() noexcept {
    return sys_;
  }

private:
  static real_config& after(const std::function<void(real_config&)>& adapt,
                            real_config& config) {
    adapt(config);
    return config;
  }

  real_config config_;
  caf::actor_system sys_;
};

} // namespace support
