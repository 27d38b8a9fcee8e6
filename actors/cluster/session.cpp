// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/session.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster::rules {

using what = session_order::what;

time_point session::due() const noexcept {
  if (lease_ == 0)
    return ask_at_;
  return std::min({valid_until_, renew_at_, join_at_});
}

session_orders session::begin(time_point now) {
  session_orders out;
  if (phase_ == phase::idle)
    ask(now, out);
  return out;
}

session_orders session::tick(time_point now) {
  session_orders out;
  if (lease_ == 0) {
    if (now >= ask_at_)
      ask(now, out);
    return out;
  }
  if (now >= valid_until_) {
    lose(now, "its lease has run out: no renewal was answered in time", out);
    return out;
  }
  if (now >= renew_at_) {
    renew_at_ = deadline_after(now, answer_within(granted_));
    out.push_back({what::renew, lease_});
  }
  if (now >= join_at_)
    put_member(now, out);
  return out;
}

session_orders session::leased(time_point now, time_point asked, lease_id lease,
                               timespan granted) {
  session_orders out;
  if (lease == 0 || is_current(lease) || lease == former_)
    return out;
  const auto length = std::min(ttl_, granted);
  const auto until = rules::valid_until(asked, length);
  if (phase_ == phase::idle)
    out.push_back({what::revoke, lease});
  // Another one was there first, or this one comes too late to be of use. It is
  // not given back: if its answer came twice, it would be taken later.
  if (phase_ != phase::asking || now >= until)
    return out;
  lease_ = lease;
  granted_ = length;
  valid_until_ = until;
  ask_at_ = never;
  renew_at_ = deadline_after(asked, renew_after(length));
  phase_ = phase::joining;
  put_member(now, out);
  return out;
}

session_orders session::joined(time_point now, lease_id under,
                               const claim_answer& x) {
  session_orders out;
  if (!is_current(under) || phase_ != phase::joining)
    return out;
  if (now >= valid_until_) {
    lose(now, "its lease has run out before it was a member", out);
    return out;
  }
  if (x.lease != under) {
    // Perhaps that of this node's former life, which runs out.
    join_at_ = deadline_after(now, renew_after(granted_));
    out.push_back({what::taken, 0, 0, x.holder});
    return out;
  }
  phase_ = phase::live;
  epoch_ = x.made_at;
  join_at_ = never;
  out.push_back({what::began, lease_, epoch_});
  return out;
}

session_orders session::renewed(time_point now, time_point asked,
                                lease_id lease, bool there) {
  session_orders out;
  if (!is_current(lease))
    return out;
  if (!there) {
    lose(now, "the directory does not know its lease any more", out);
    return out;
  }
  // An answer for which the time is over does not bring the lease back: those
  // who hold something under it have been told.
  if (now >= valid_until_) {
    lose(now, "its lease has run out: the renewal was answered too late", out);
    return out;
  }
  valid_until_ = std::max(valid_until_, rules::valid_until(asked, granted_));
  renew_at_ = std::max(now, rules::valid_until(asked, granted_) == valid_until_
                              ? deadline_after(asked, renew_after(granted_))
                              : renew_at_);
  return out;
}

session_orders session::failed(time_point now, session_order::what which,
                               lease_id lease) {
  if (which == what::ask && phase_ == phase::asking)
    ask_at_ = deadline_after(now, retry_after(ttl_));
  else if (which == what::renew && is_current(lease))
    renew_at_ = deadline_after(now, retry_after(granted_));
  else if (which == what::put_member && is_current(lease)
           && phase_ == phase::joining)
    join_at_ = deadline_after(now, retry_after(granted_));
  return tick(now);
}

session_orders session::key_missed(time_point now, std::int64_t at) {
  session_orders out;
  if (phase_ == phase::live && at >= epoch_)
    lose(now, "its key is gone from the directory", out);
  return out;
}

session_orders session::leave() {
  session_orders out;
  if (lease_ != 0)
    out.push_back({what::revoke, lease_});
  lease_ = 0;
  phase_ = phase::idle;
  ask_at_ = join_at_ = renew_at_ = never;
  return out;
}

void session::ask(time_point now, session_orders& out) {
  phase_ = phase::asking;
  ask_at_ = deadline_after(now, answer_within(ttl_));
  out.push_back({what::ask});
}

void session::put_member(time_point now, session_orders& out) {
  join_at_ = deadline_after(now, answer_within(granted_));
  out.push_back({what::put_member, lease_});
}

void session::lose(time_point now, std::string why, session_orders& out) {
  const auto was_live = phase_ == phase::live;
  former_ = std::exchange(lease_, 0);
  join_at_ = renew_at_ = never;
  if (was_live)
    out.push_back({what::ended, 0, epoch_, std::move(why)});
  ask(now, out);
}

} // namespace troupe::cluster::rules
