// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/campaign.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster::rules {

using step = campaign_order::what;

time_point campaign::due() const noexcept {
  switch (phase_) {
    case phase::asking:
    case phase::releasing:
      return retry_at_;
    case phase::holding:
      return stop_at();
    case phase::stopping:
    case phase::hanging:
      return told_over_ ? never : ends();
    case phase::idle:
    case phase::waiting:
    case phase::candidate:
    case phase::paused:
      return never;
  }
  return never;
}

// -- the session -----------------------------------------------------------------

campaign_orders campaign::session_began(time_point now, lease_id lease,
                                        time_point valid_until) {
  campaign_orders out;
  lease_ = lease;
  valid_until_ = valid_until;
  if (phase_ == phase::waiting)
    ask(now, out);
  return out;
}

campaign_orders campaign::session_renewed(time_point now,
                                          time_point valid_until) {
  campaign_orders out;
  if (!in_session())
    return out;
  valid_until_ = valid_until;
  if (phase_ == phase::paused && has_time(now)) {
    phase_ = phase::holding;
    out.push_back({step::start, lease_, revision_});
  }
  return out;
}

campaign_orders campaign::session_ended(time_point now, std::string why) {
  campaign_orders out;
  lease_ = 0;
  if (phase_ == phase::holding || phase_ == phase::stopping
      || phase_ == phase::hanging) {
    lose(now, std::move(why), out);
    return out;
  }
  void_up_to_ = std::max(void_up_to_, revision_);
  revision_ = 0;
  phase_ = wanted_ ? phase::waiting : phase::idle;
  return out;
}

// -- the directory ---------------------------------------------------------------

campaign_orders campaign::answered(time_point now, lease_id under,
                                   const claim_answer& x) {
  campaign_orders out;
  if (!in_session() || under != lease_)
    return out;
  const auto mine = x.lease == under;
  if (!mine)
    void_up_to_ = std::max(void_up_to_, x.at);
  // Without a worker there is nothing to be lost; with one, a look decides.
  if (phase_ != phase::asking && phase_ != phase::candidate
      && phase_ != phase::idle)
    return out;
  if (mine && x.made_at <= void_up_to_)
    return out; // an old answer: ours is gone, as has been seen since
  if (!mine) {
    holder_ = x.holder;
    if (phase_ == phase::asking)
      phase_ = phase::candidate;
    return out;
  }
  revision_ = x.made_at;
  if (!wanted_) {
    release(now, out);
    return out;
  }
  holder_.clear();
  lost_ = told_over_ = false;
  if (has_time(now)) {
    phase_ = phase::holding;
    out.push_back({step::start, lease_, revision_});
  } else {
    phase_ = phase::paused;
  }
  return out;
}

campaign_orders campaign::failed(time_point now, step which) {
  if ((which == step::claim && phase_ == phase::asking)
      || (which == step::release && phase_ == phase::releasing))
    retry_at_ = deadline_after(now, retry_after(ttl_));
  return {};
}

campaign_orders campaign::released(time_point now, std::int64_t revision) {
  campaign_orders out;
  void_up_to_ = std::max(void_up_to_, revision);
  if (phase_ == phase::releasing && revision == revision_)
    begin(now, out);
  return out;
}

campaign_orders campaign::seen(time_point now, std::int64_t at,
                               const std::optional<claim_answer>& x) {
  campaign_orders out;
  if (!in_session())
    return out;
  const auto mine = x && x->lease == lease_;
  if (!mine)
    holder_ = x ? x->holder : std::string{};
  switch (phase_) {
    case phase::candidate:
      if (!x || mine)
        ask(now, out);
      break;
    case phase::holding:
    case phase::stopping:
    case phase::hanging:
    case phase::paused:
    case phase::releasing:
      // A look from before the claim says nothing.
      if (at < revision_ || (mine && x->made_at == revision_))
        break;
      if (phase_ == phase::paused || phase_ == phase::releasing)
        begin(now, out);
      else
        lose(now, "its key is gone from the directory", out);
      break;
    case phase::idle:
      // The answer to a claim never came.
      if (mine && x->made_at > void_up_to_) {
        revision_ = x->made_at;
        release(now, out);
      }
      break;
    case phase::waiting:
    case phase::asking:
      break;
  }
  return out;
}

// -- those who want it -----------------------------------------------------------

campaign_orders campaign::enter(time_point now, timespan stop) {
  campaign_orders out;
  wanted_ = true;
  if (phase_ != phase::hanging)
    stop_ = stop;
  if (phase_ != phase::idle)
    return out;
  if (in_session())
    ask(now, out);
  else
    phase_ = phase::waiting;
  return out;
}

campaign_orders campaign::leave(time_point now) {
  campaign_orders out;
  wanted_ = false;
  switch (phase_) {
    case phase::holding:
    case phase::stopping:
    case phase::paused:
      if (in_session() && !lost_)
        release(now, out);
      else
        begin(now, out);
      break;
    case phase::waiting:
    case phase::asking:
    case phase::candidate:
      // An answer that comes now releases what it has got.
      phase_ = phase::idle;
      break;
    case phase::idle:
    case phase::releasing:
    case phase::hanging:
      break;
  }
  return out;
}

campaign_orders campaign::worker_over(time_point now) {
  campaign_orders out;
  if (phase_ != phase::stopping && phase_ != phase::holding)
    return out;
  if (lost_ || !in_session()) {
    begin(now, out);
  } else if (phase_ == phase::stopping) {
    told_over_ = false;
    phase_ = phase::paused;
    if (has_time(now)) {
      phase_ = phase::holding;
      out.push_back({step::start, lease_, revision_});
    }
  }
  return out;
}

campaign_orders campaign::worker_hangs(time_point now) {
  if (phase_ != phase::holding && phase_ != phase::stopping)
    return {};
  phase_ = phase::hanging;
  told_over_ = false;
  return tick(now);
}

campaign_orders campaign::tick(time_point now) {
  campaign_orders out;
  switch (phase_) {
    case phase::asking:
      if (now >= retry_at_)
        ask(now, out);
      break;
    case phase::releasing:
      if (now >= retry_at_)
        release(now, out);
      break;
    case phase::holding:
      if (!has_time(now))
        tell_to_stop("its lease was not renewed in time", out);
      break;
    case phase::stopping:
      if (now >= ends() && !std::exchange(told_over_, true))
        out.push_back({step::force, 0, revision_});
      break;
    case phase::hanging:
      if (now >= ends() && !std::exchange(told_over_, true))
        out.push_back({step::overrun, 0, revision_});
      break;
    case phase::idle:
    case phase::waiting:
    case phase::candidate:
    case phase::paused:
      break;
  }
  return out;
}

void campaign::ask(time_point now, campaign_orders& out) {
  phase_ = phase::asking;
  retry_at_ = deadline_after(now, answer_within(ttl_));
  out.push_back({step::claim, lease_});
}

void campaign::release(time_point now, campaign_orders& out) {
  phase_ = phase::releasing;
  retry_at_ = deadline_after(now, answer_within(ttl_));
  void_up_to_ = std::max(void_up_to_, revision_);
  out.push_back({step::release, 0, revision_});
}

void campaign::begin(time_point now, campaign_orders& out) {
  void_up_to_ = std::max(void_up_to_, revision_);
  revision_ = 0;
  lost_ = told_over_ = false;
  if (!wanted_)
    phase_ = phase::idle;
  else if (in_session())
    ask(now, out);
  else
    phase_ = phase::waiting;
}

void campaign::lose(time_point now, std::string why, campaign_orders& out) {
  // Nothing promises that the key is still ours: the worker has the time that
  // it needs to stop, and no more.
  if (!std::exchange(lost_, true))
    lost_at_ = std::min(valid_until_, deadline_after(now, stop_));
  told_over_ = false;
  void_up_to_ = std::max(void_up_to_, revision_);
  if (phase_ == phase::holding)
    tell_to_stop(std::move(why), out);
  for (auto& x : tick(now))
    out.push_back(std::move(x));
}

void campaign::tell_to_stop(std::string why, campaign_orders& out) {
  phase_ = phase::stopping;
  out.push_back({step::stop, 0, revision_, std::move(why)});
}

} // namespace troupe::cluster::rules
