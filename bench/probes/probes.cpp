// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include <array>

namespace troupe::bench {

std::span<const probe> probes() noexcept {
  static constexpr std::array all{
    probe{"asio_workers", asio_workers},
    probe{"careful_workers", careful_workers},
#ifdef TROUPE_BENCH_DURABLE
    probe{"hand_jobs_in_sqlite", hand_jobs_in_sqlite},
    probe{"hand_puts_in_sqlite", hand_puts_in_sqlite},
    probe{"troupe_begun", troupe_begun},
    probe{"troupe_idle_store", troupe_idle_store},
    probe{"troupe_jobs", troupe_jobs},
    probe{"troupe_jobs_today", troupe_jobs_today},
    probe{"troupe_puts", troupe_puts},
    probe{"troupe_takeover", troupe_takeover},
#  ifdef TROUPE_POSTGRES_BIN
    probe{"hand_begun_in_postgres", hand_begun_in_postgres},
    probe{"hand_puts_in_postgres", hand_puts_in_postgres},
#  endif
#endif
#ifdef TROUPE_BENCH_LINES
    probe{"hand_log_service", hand_log_service},
    probe{"troupe_log_service", troupe_log_service},
#endif
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
