// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/lease.hpp"
#include "cluster/session.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::cluster::rules {

/// An order to those who carry a campaign out.
struct campaign_order {
  enum class what : std::uint8_t {
    /// Claim the key under `lease`.
    claim,
    /// Delete the key, if it is the one that was made at `revision`.
    release,
    /// The worker may run; its token has `revision`.
    start,
    /// The worker is to stop, within the time that was given for it.
    stop,
    /// The grant is over, and the worker is not: it is forced.
    force,
    /// The grant is over, and code of the worker still runs.
    overrun,
  };

  what order;
  lease_id lease = 0;
  std::int64_t revision = 0;
  std::string text = {};

  friend bool operator==(const campaign_order&, const campaign_order&)
    = default;
};

using campaign_orders = std::vector<campaign_order>;

/// How one process gets the grant of a singleton, and loses it. (N4, N5)
///
/// The grant lives under the lease of the process's session, so it ends with
/// that, or when its key goes; and it is over for the worker earlier, by the
/// time that the worker may take to stop.
class campaign {
public:
  enum class phase : std::uint8_t {
    /// Nobody here wants it.
    idle,
    /// There is no session.
    waiting,
    /// The key is claimed.
    asking,
    /// Somebody else has it.
    candidate,
    /// Granted; the worker may run.
    holding,
    /// The worker was told to stop, or is to be told when it has begun.
    stopping,
    /// The key is still ours, and no worker runs: the lease is too near its
    /// end.
    paused,
    /// The key is given back.
    releasing,
    /// The worker was abandoned: its code may run for ever.
    hanging,
  };

  /// @param ttl The length of the lease.
  /// @param stop The longest time that the worker takes to stop.
  campaign(timespan ttl, timespan stop) noexcept : ttl_(ttl), stop_(stop) {
    // nop
  }

  // -- properties -------------------------------------------------------------

  [[nodiscard]] phase at() const noexcept {
    return phase_;
  }

  /// The revision of the grant, or 0.
  [[nodiscard]] std::int64_t revision() const noexcept {
    return revision_;
  }

  /// The text of the process that has it, as far as is known.
  [[nodiscard]] const std::string& holder() const noexcept {
    return holder_;
  }

  /// When the grant ends, unless it is renewed.
  [[nodiscard]] time_point ends() const noexcept {
    return lost_ ? lost_at_ : valid_until_;
  }

  /// When `tick` is to be called next.
  [[nodiscard]] time_point due() const noexcept;

  // -- the session ------------------------------------------------------------

  [[nodiscard]] campaign_orders session_began(time_point now, lease_id lease,
                                              time_point valid_until);

  /// The lease was renewed.
  [[nodiscard]] campaign_orders session_renewed(time_point now,
                                                time_point valid_until);

  /// @param why For the text of the stop.
  [[nodiscard]] campaign_orders session_ended(time_point now, std::string why);

  // -- the directory ----------------------------------------------------------

  [[nodiscard]] campaign_orders answered(time_point now, lease_id under,
                                         const claim_answer& x);

  /// A claim or a release has failed; it may have been heard all the same.
  [[nodiscard]] campaign_orders failed(time_point now,
                                       campaign_order::what which);

  /// The key that was made at `revision` is gone, by our own doing.
  [[nodiscard]] campaign_orders released(time_point now, std::int64_t revision);

  /// A look at the key, at revision `at`.
  /// @param x Who has it, if anybody has.
  [[nodiscard]] campaign_orders seen(time_point now, std::int64_t at,
                                     const std::optional<claim_answer>& x);

  // -- those who want it ------------------------------------------------------

  /// A worker is to run here when there is a grant.
  /// @param stop The longest time that it takes to stop.
  [[nodiscard]] campaign_orders enter(time_point now, timespan stop);

  /// No worker is wanted here any more.
  /// @pre it is over, or hangs
  [[nodiscard]] campaign_orders leave(time_point now);

  /// The worker that was started is over: no code of it runs.
  [[nodiscard]] campaign_orders worker_over(time_point now);

  /// The worker was abandoned.
  [[nodiscard]] campaign_orders worker_hangs(time_point now);

  [[nodiscard]] campaign_orders tick(time_point now);

private:
  [[nodiscard]] bool in_session() const noexcept {
    return lease_ != 0;
  }

  [[nodiscard]] bool has_time(time_point now) const noexcept {
    return now < stop_at();
  }

  [[nodiscard]] time_point stop_at() const noexcept {
    return deadline_after(ends(), -stop_);
  }

  void ask(time_point now, campaign_orders& out);

  void release(time_point now, campaign_orders& out);

  /// Begins anew, without a grant and without a worker.
  void begin(time_point now, campaign_orders& out);

  /// The grant is no longer ours.
  void lose(time_point now, std::string why, campaign_orders& out);

  void tell_to_stop(std::string why, campaign_orders& out);

  timespan ttl_;
  timespan stop_;
  phase phase_ = phase::idle;
  bool wanted_ = false;
  bool lost_ = false; // the grant went while a worker was there
  bool told_over_ = false;
  lease_id lease_ = 0;
  std::int64_t revision_ = 0;
  // Keys made up to this revision are not ours, or not any more.
  std::int64_t void_up_to_ = 0;
  time_point valid_until_ = time_point::min(); // the lease, by the session
  time_point lost_at_ = never;
  time_point retry_at_ = never;
  std::string holder_;
};

} // namespace troupe::cluster::rules
