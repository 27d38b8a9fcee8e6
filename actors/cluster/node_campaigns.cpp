// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The part of a node that is about its singletons.

#include "base/standard_error.hpp"
#include "cluster/keys.hpp"
#include "cluster/node_core.hpp"
#include "cluster/node_turn.hpp"
#include "rules/naming.hpp"
#include "system/caf_compat.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

namespace troupe::cluster {

using namespace detail;

// -- campaigns -------------------------------------------------------------------

void node_core::heed(contests::iterator which,
                     const rules::campaign_orders& orders) {
  using what = rules::campaign_order::what;
  auto& x = which->second;
  for (const auto& order : orders) {
    switch (order.order) {
      case what::claim:
        claim(which, order.lease);
        break;
      case what::release:
        release(which, order.revision);
        break;
      case what::start:
        x.running = std::make_shared<grant>(
          weak_from_this(), keys::singleton(directory_->prefix(), which->first),
          token{directory_->generation(), order.revision});
        x.offered = true;
        if (x.host != nullptr)
          x.host->changed().set();
        break;
      case what::stop:
        if (x.running)
          after_unlock_.push_back(
            [who = x.running, why = order.text] { who->stop(why); });
        // Nobody has begun: the child finds nothing to start.
        if (x.host != nullptr)
          x.host->changed().set();
        break;
      case what::force:
        if (x.running)
          after_unlock_.push_back([who = x.running] { who->force(); });
        break;
      case what::overrun:
        overrun(x);
        break;
    }
  }
}

void node_core::claim(contests::iterator which, rules::lease_id lease) {
  connection_->claim(
    keys::singleton(directory_->prefix(), which->first), how_.name, lease,
    taker_of<rules::claim_answer>(
      [which, lease](node_core& self, const reply<rules::claim_answer>& x) {
        auto& campaign = which->second.campaign;
        const auto time = self.now();
        self.heed(
          which, x ? campaign.answered(time, lease, *x)
                   : campaign.failed(time, rules::campaign_order::what::claim));
      }));
}

void node_core::release(contests::iterator which, std::int64_t made_at) {
  connection_->remove(
    keys::singleton(directory_->prefix(), which->first), made_at,
    taker_of<bool>([which, made_at](node_core& self, const reply<bool>& x) {
      auto& campaign = which->second.campaign;
      const auto time = self.now();
      self.heed(
        which, x ? campaign.released(time, made_at)
                 : campaign.failed(time, rules::campaign_order::what::release));
    }));
}

void node_core::overrun(const contest& which) {
  const auto text
    = troupe::rules::subject(which.path)
      + ": the grant of this singleton is over, and its code does not return";
  const auto exits = which.overrun == cluster::on_overrun::exit_process;
  after_unlock_.push_back([rt = rt_, text, exits] {
    rt->log(compat::log_error, text);
    if (!exits)
      return;
    say_if_there_is_room("troupe: " + text
                         + "; the process ends, see on_overrun\n");
    std::_Exit(1);
  });
}

// -- candidacies -----------------------------------------------------------------

std::string node_core::enter(candidacy& who) {
  turn t{*this};
  const auto fresh = rules::campaign{session_.ttl(), who.stop()};
  const auto [which, is_new] = contests_.try_emplace(who.name(), fresh);
  auto& x = which->second;
  if (x.host != nullptr)
    return "singleton \"" + who.name() + "\": " + x.path
           + " stands for it in this process already; a node is a candidate "
             "once";
  if (is_new && session_.is_live())
    heed(which, x.campaign.session_began(now(), session_.lease(),
                                         session_.valid_until()));
  x.host = &who;
  x.overrun = who.overrun();
  x.path = who.path();
  if (!leaving_)
    heed(which, x.campaign.enter(now(), who.stop()));
  return {};
}

candidacy::news node_core::take(candidacy& who) {
  turn t{*this};
  auto& x = contests_.at(who.name());
  candidacy::news result;
  if (x.campaign.at() == rules::campaign::phase::hanging)
    result.trouble = "code of its last worker still runs in this process";
  else
    result.trouble = trouble();
  if (!std::exchange(x.offered, false))
    return result;
  result.start = x.running;
  return result;
}

void node_core::worker_over(candidacy& who) {
  turn t{*this};
  const auto which = contests_.find(who.name());
  // It holds the worker's object.
  which->second.running = nullptr;
  heed(which, which->second.campaign.worker_over(now()));
}

void node_core::worker_hangs(candidacy& who) {
  turn t{*this};
  const auto which = contests_.find(who.name());
  heed(which, which->second.campaign.worker_hangs(now()));
}

void node_core::leave(candidacy& who) noexcept {
  turn t{*this};
  const auto which = contests_.find(who.name());
  auto& x = which->second;
  x.host = nullptr;
  // A grant that nobody has taken: nobody runs under it.
  if (std::exchange(x.offered, false))
    heed(which, x.campaign.worker_over(now()));
  heed(which, x.campaign.leave(now()));
  x.offered = false;
}

status_fields node_core::describe(const candidacy& who) {
  using phase = rules::campaign::phase;
  std::unique_lock guard{mtx_};
  const auto& x = contests_.at(who.name());
  status_fields result{{"singleton", who.name()}, {"node", how_.name}};
  const auto token = [&] {
    return to_string(
      cluster::token{directory_->generation(), x.campaign.revision()});
  };
  switch (x.campaign.at()) {
    case phase::holding:
    case phase::stopping:
    case phase::hanging:
      result.emplace_back("role", "holder");
      result.emplace_back("token", token());
      break;
    case phase::candidate:
      result.emplace_back("role", "candidate");
      result.emplace_back("holder", x.campaign.holder());
      break;
    case phase::idle:
    case phase::waiting:
    case phase::asking:
    case phase::paused:
    case phase::releasing:
      result.emplace_back("role", "candidate");
      break;
  }
  return result;
}

} // namespace troupe::cluster
