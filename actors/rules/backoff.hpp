// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/supervisor_options.hpp"
#include "troupe/time.hpp"

#include <cstdint>

namespace troupe::rules {

/// How long restart number `n` waits, counted from 0. (S11)
/// @param u A sample between -1 and 1 for the jitter.
/// @returns A length of time between zero and `options.max`, whatever `n` is.
[[nodiscard]] timespan backoff_delay(const restart_backoff& options,
                                     std::uint32_t n, double u) noexcept;

/// A sample between -1 and 1 for the jitter.
/// @param state Where it comes from: any number, changed by each call.
[[nodiscard]] double sample(std::uint64_t& state) noexcept;

/// How far the backoff of one child has come. (S11)
class backoff {
public:
  explicit backoff(const restart_backoff& options) noexcept;

  /// Whether there is any: a first delay of zero means that there is none.
  [[nodiscard]] bool on() const noexcept;

  /// Which restart is next, counted from 0.
  [[nodiscard]] std::uint32_t count() const noexcept {
    return n_;
  }

  /// The child is ready.
  void ready(time_point now) noexcept;

  /// The child is over, for whatever reason: if it has been ready for long
  /// enough, its backoff begins anew.
  void ended(time_point now) noexcept;

  /// The backoff begins anew.
  void mark_healthy() noexcept;

  /// How long the restart that is due now waits. The next one waits longer.
  /// @param u A sample between -1 and 1.
  [[nodiscard]] timespan next(double u) noexcept;

private:
  restart_backoff options_;
  /// When the child became ready, or `never`.
  time_point ready_since_ = never;
  std::uint32_t n_ = 0;
};

} // namespace troupe::rules
