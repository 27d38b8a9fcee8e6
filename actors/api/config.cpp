// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/config.hpp"

#include "troupe/time.hpp"

#include <cstdint>
#include <string>

namespace troupe {

namespace {

/// Gives access to the list of options, which CAF keeps for derived classes.
struct open_config : caf::actor_system_config {
  static caf::config_option_set& options_of(caf::actor_system_config& cfg) {
    return cfg.*(&open_config::custom_options_);
  }
};

} // namespace

void add_options(caf::actor_system_config& cfg) {
  open_config::options_of(cfg)
    .add<timespan>("troupe", "stopping-grace-period",
                   "how long workers may take to stop by themselves (10s)")
    .add<timespan>("troupe", "cleanup-period",
                   "what on_shutdown() gets at least (1s)")
    .add<timespan>("troupe", "force-period",
                   "how long a forced worker is waited for (1s)")
    .add<size_t>("troupe", "offload-threads",
                 "how many offloaded calls run at once (4 a core, at least "
                 "16)")
    .add<std::string>("troupe", "complain",
                      "where failures are told that nobody reads and no log "
                      "shows: stderr or none (stderr)");
  open_config::options_of(cfg)
    .add<std::string>("troupe.observer", "address",
                      "where troupe::observer listens (127.0.0.1)")
    .add<uint16_t>("troupe.observer", "port",
                   "the port of troupe::observer (9464; 0: any)")
    .add<std::string>("troupe.observer", "token",
                      "what troupe::observer wants to see before it changes "
                      "something");
}

config::config() {
  add_options(*this);
}

} // namespace troupe
