// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include <array>

namespace troupe::bench {

std::span<const probe> probes() noexcept {
  static constexpr std::array all{
    probe{"asio_workers", asio_workers},
    probe{"careful_workers", careful_workers},
    probe{"path_ask", path_ask},
    probe{"path_restart", path_restart},
    probe{"path_send", path_send},
    probe{"path_sleep", path_sleep},
    probe{"path_start", path_start},
    probe{"path_start_stop", path_start_stop},
    probe{"raw_burst", raw_burst},
    probe{"raw_idle", raw_idle},
    probe{"raw_round_trip", raw_round_trip},
    probe{"raw_timers", raw_timers},
    probe{"raw_workers", raw_workers},
    probe{"thread_workers", thread_workers},
    probe{"troupe_burst", troupe_burst},
    probe{"troupe_crash", troupe_crash},
    probe{"troupe_restarts", troupe_restarts},
    probe{"troupe_sleepers", troupe_sleepers},
    probe{"troupe_stop", troupe_stop},
    probe{"troupe_timers", troupe_timers},
    probe{"troupe_workers", troupe_workers},
  };
  return all;
}

} // namespace troupe::bench
