// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::rules {

/// How many offloaded calls run at once where no setting says so. More than
/// there are cores: most such calls wait for something.
[[nodiscard]] constexpr std::size_t
default_offload_threads(std::size_t cores) noexcept {
  return std::max<std::size_t>(16, 4 * cores);
}

/// The settings of a program's configuration: for workers whose options are
/// left out, and for the parts that all workers share.
struct settings {
  timespan stopping_grace_period = std::chrono::seconds{10};
  timespan cleanup_period = std::chrono::seconds{1};
  timespan force_period = std::chrono::seconds{1};
  std::size_t offload_threads = default_offload_threads(0);
  /// Whether failures of which nobody is told go to standard error.
  bool complains = true;
};

/// How long a worker may take for what, once options and settings are merged.
struct periods {
  timespan grace;
  timespan cleanup;
  timespan force;
  timespan start_timeout;

  friend bool operator==(const periods&, const periods&) = default;
};

/// Merges `options` into `defaults`.
[[nodiscard]] periods merge(const worker_options& options,
                            const settings& defaults) noexcept;

/// Returns what is wrong with `options`, naming the worker, the field and what
/// to do, or an empty string.
/// @param name What the worker is called: the name in `options`, or another one
///             where that is empty.
[[nodiscard]] std::string check(const worker_options& options,
                                std::string_view name);

/// Returns when a worker that is asked to stop at `now` is to be forced: after
/// its grace period, but never later than `limit`.
[[nodiscard]] time_point grace_deadline(time_point now, timespan grace,
                                        time_point limit) noexcept;

/// Returns until when the clean-up may take: the rest of the grace period, but
/// at least the clean-up period. Without a stop the grace period begins `now`.
/// @param grace_over The deadline of the stop, or `never` if none was asked for
///                   or if the grace period is infinite.
[[nodiscard]] time_point cleanup_deadline(time_point now, bool stop_asked,
                                          time_point grace_over,
                                          const periods& p) noexcept;

} // namespace troupe::rules
