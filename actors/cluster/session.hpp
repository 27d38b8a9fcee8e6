// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/lease.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::cluster::rules {

/// The answer of a directory to a claim of a key: a transaction that makes the
/// key if nobody has it, and else reads it.
struct claim_answer {
  /// The revision of the directory at that moment.
  std::int64_t at = 0;

  /// The revision at which the key was made.
  std::int64_t made_at = 0;

  /// The lease under which it lives: ours, if we have got it, now or before.
  lease_id lease = 0;

  /// The text in it: who has it.
  std::string holder;

  friend bool operator==(const claim_answer&, const claim_answer&) = default;
};

/// An order to those who carry a session out.
struct session_order {
  enum class what : std::uint8_t {
    /// Ask for a lease.
    ask,
    /// Claim the key of this member under `lease`.
    put_member,
    /// Renew `lease`.
    renew,
    /// Give `lease` back.
    revoke,
    /// The session has begun, its epoch is `epoch`: put all keys.
    began,
    /// The session has ended, for the reason in `text`: all grants end.
    ended,
    /// Somebody else has the name; `text` is that member's value.
    taken,
  };

  what order;
  lease_id lease = 0;
  std::int64_t epoch = 0;
  std::string text = {};

  friend bool operator==(const session_order&, const session_order&) = default;
};

using session_orders = std::vector<session_order>;

/// The one lease of a process, and its place among the members. (N1, N2, N8)
///
/// It is told what happened and when, and answers with what is to be done.
/// Answers may come late, twice or never: each carries the lease that it is
/// about and the time at which it was asked for.
class session {
public:
  enum class phase : std::uint8_t {
    /// It has not begun, or the process has left.
    idle,
    /// A lease was asked for.
    asking,
    /// There is a lease; the member's key is claimed.
    joining,
    /// A member.
    live,
  };

  explicit session(timespan ttl) noexcept : ttl_(ttl) {
    // nop
  }

  // -- properties -------------------------------------------------------------

  [[nodiscard]] phase at() const noexcept {
    return phase_;
  }

  [[nodiscard]] bool is_live() const noexcept {
    return phase_ == phase::live;
  }

  /// The present lease, or 0.
  [[nodiscard]] lease_id lease() const noexcept {
    return lease_;
  }

  /// The revision at which the member's key was made; grows with each session.
  [[nodiscard]] std::int64_t epoch() const noexcept {
    return epoch_;
  }

  /// Until when the lease is valid; of a session that has ended, until when it
  /// was.
  [[nodiscard]] time_point valid_until() const noexcept {
    return valid_until_;
  }

  [[nodiscard]] timespan ttl() const noexcept {
    return ttl_;
  }

  /// When `tick` is to be called next.
  [[nodiscard]] time_point due() const noexcept;

  // -- events -----------------------------------------------------------------

  [[nodiscard]] session_orders begin(time_point now);

  /// Time has passed.
  [[nodiscard]] session_orders tick(time_point now);

  /// A lease was granted.
  /// @param granted Its length, if that is less than was asked for.
  [[nodiscard]] session_orders leased(time_point now, time_point asked,
                                      lease_id lease, timespan granted);

  /// The claim of the member's key was answered.
  [[nodiscard]] session_orders joined(time_point now, lease_id under,
                                      const claim_answer& x);

  /// The lease was renewed, or is not there any more.
  [[nodiscard]] session_orders renewed(time_point now, time_point asked,
                                       lease_id lease, bool there);

  /// A question has failed; it may have been heard all the same.
  [[nodiscard]] session_orders failed(time_point now, session_order::what which,
                                      lease_id lease);

  /// A look at all keys, at revision `at`, has shown the member's key with
  /// another lease, or not at all.
  [[nodiscard]] session_orders key_missed(time_point now, std::int64_t at);

  /// The process leaves: the lease is given back.
  [[nodiscard]] session_orders leave();

private:
  [[nodiscard]] bool is_current(lease_id lease) const noexcept {
    return lease_ != 0 && lease == lease_;
  }

  void ask(time_point now, session_orders& out);

  void put_member(time_point now, session_orders& out);

  void lose(time_point now, std::string why, session_orders& out);

  timespan ttl_;
  timespan granted_{0};
  phase phase_ = phase::idle;
  lease_id lease_ = 0;
  lease_id former_ = 0; // lost; others may still rely on it
  std::int64_t epoch_ = 0;
  time_point valid_until_ = time_point::min();
  time_point ask_at_ = never;
  time_point join_at_ = never;
  time_point renew_at_ = never;
};

} // namespace troupe::cluster::rules
