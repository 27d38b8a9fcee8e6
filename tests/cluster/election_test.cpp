// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Nodes, a directory and the network between them as values: clocks that drift,
// answers that come late, twice or never, processes that are stopped for a
// while.

#include "cluster/campaign.hpp"
#include "cluster/lease.hpp"
#include "cluster/lease_table.hpp"
#include "cluster/session.hpp"

#include "support/dice.hpp"

#include <catch2/catch_test_macros.hpp>

#ifdef TROUPE_HAS_RAPIDCHECK
#  include <rapidcheck.h>
#endif

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::cluster::rules;

using support::dice;
using troupe::never;
using troupe::time_point;
using troupe::timespan;

namespace {

constexpr timespan ttl = 10s;

/// How many worlds there are of each kind.
constexpr std::uint64_t seeds = 20;

/// A clock that runs faster or slower than the time of the world, by four parts
/// in a hundred at most.
class drifting_clock {
public:
  explicit drifting_clock(dice& chance)
    : rate_(static_cast<std::int64_t>(960 + chance.below(81))),
      since_(chance.below(1'000'000) * 1ms) {
    // nop
  }

  [[nodiscard]] time_point at(timespan world) const {
    return time_point{since_ + world * rate_ / 1000};
  }

  /// When it is `local`, or just after.
  [[nodiscard]] timespan when(time_point local) const {
    return (local.time_since_epoch() - since_) * 1000 / rate_ + 1us;
  }

private:
  std::int64_t rate_;
  timespan since_;
};

/// How bad it may get.
struct trouble {
  unsigned lost = 10;  // messages, in a hundred
  unsigned late = 10;  // by seconds
  unsigned twice = 5;  // answers
  bool cuts = true;    // a node and the directory do not hear each other
  bool pauses = false; // a process is stopped for a while
};

class world {
public:
  world(std::uint64_t seed, trouble how, std::size_t count)
    : chance_(seed), how_(how), directory_(chance_) {
    for (std::size_t i = 0; i < count; ++i)
      nodes_.emplace_back(chance_, "n" + std::to_string(i));
    for (auto& x : nodes_) {
      after(chance_.time(3000), [this, &x] {
        heed(x, x.sessions.begin(local(x)));
        want(x);
      });
      look(x);
      meddle(x);
    }
  }

  /// Lets the world go on for so long.
  void run(timespan length) {
    const auto end = now_ + length;
    while (broken_.empty() && !events_.empty()
           && events_.begin()->first <= end) {
      now_ = std::max(now_, events_.begin()->first);
      auto event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      if (table_.expire(directory_.at(now_)))
        tell_all();
      event();
      check_leases();
    }
    now_ = end;
  }

  /// From now on all goes well.
  void heal() {
    how_ = {0, 0, 0, false, false};
    for (auto& x : nodes_)
      x.cut = false;
    healed_ = true;
  }

  /// The rule that was broken; empty is good.
  [[nodiscard]] const std::string& broken() const {
    return broken_;
  }

  [[nodiscard]] int running() const {
    return static_cast<int>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const node& x) {
        return x.worker != worker_state::none;
      }));
  }

  [[nodiscard]] int starts() const {
    return starts_;
  }

private:
  enum class worker_state { none, running, stopping };

  struct node {
    node(dice& chance, std::string called)
      : name(std::move(called)),
        clock(chance),
        stop(500ms + chance.time(3400)),
        sessions(ttl),
        campaigns(ttl, stop) {
      // nop
    }

    std::string name;
    drifting_clock clock;
    timespan stop;
    session sessions;
    campaign campaigns;
    worker_state worker = worker_state::none;
    std::int64_t token = 0;
    int life = 0; // of the worker
    bool wanted = false;
    bool cut = false;
    bool has_slept = false; // since the worker began
    timespan asleep_until{0};
    std::vector<std::function<void()>> missed;
  };

  // -- time and the network ----------------------------------------------------

  void after(timespan delay, std::function<void()> what) {
    events_.emplace(now_ + delay, std::move(what));
  }

  [[nodiscard]] time_point local(const node& x) const {
    return x.clock.at(now_);
  }

  [[nodiscard]] timespan way() {
    return chance_.chance(how_.late) ? chance_.time(15'000) : chance_.time(300);
  }

  /// Something that happens in a process, which may be asleep.
  void in(node& x, std::function<void()> what) {
    if (now_ < x.asleep_until) {
      x.missed.push_back(std::move(what));
      return;
    }
    what();
    schedule(x);
  }

  /// Has `ask` answered by the directory, and the answer given to `answered`.
  template <class Ask, class Answered, class Failed>
  void request(node& x, Ask ask, Answered answered, Failed failed) {
    const auto gone = x.cut || chance_.chance(how_.lost);
    if (gone && chance_.chance(50))
      after(way(), [=, this, &x] { in(x, failed); });
    if (gone)
      return;
    after(way(), [=, this, &x] {
      auto answer = ask();
      tell_all();
      const auto back = [=, this, &x] { in(x, [=] { answered(answer); }); };
      if (x.cut || chance_.chance(how_.lost))
        return;
      after(way(), back);
      if (chance_.chance(how_.twice))
        after(way(), back);
    });
  }

  void schedule(node& x) {
    const auto due = std::min(x.sessions.due(), x.campaigns.due());
    if (due == never)
      return;
    const auto when = std::max(x.clock.when(due), now_ + 1us);
    const auto key = std::pair{&x, when};
    if (!ticks_.insert({key, true}).second)
      return;
    events_.emplace(when, [this, &x, key] {
      ticks_.erase(key);
      in(x, [this, &x] { tick(x); });
    });
  }

  void tick(node& x) {
    heed(x, x.sessions.tick(local(x)));
    heed(x, x.campaigns.tick(local(x)));
  }

  // -- a node ------------------------------------------------------------------

  void heed(node& x, const session_orders& orders) {
    using what = session_order::what;
    for (const auto& order : orders) {
      const auto asked = local(x);
      const auto lease = order.lease;
      const auto failed = [this, &x, which = order.order, lease] {
        heed(x, x.sessions.failed(local(x), which, lease));
      };
      switch (order.order) {
        case what::ask:
          request(
            x, [this] { return table_.grant(directory_.at(now_), ttl); },
            [this, &x, asked](lease_id got) {
              heed(x, x.sessions.leased(local(x), asked, got, ttl));
            },
            failed);
          break;
        case what::put_member:
          request(
            x,
            [this, &x, lease] {
              return table_.claim("members/" + x.name, x.name, lease);
            },
            [this, &x, lease, failed](const std::optional<claim_answer>& got) {
              if (got)
                heed(x, x.sessions.joined(local(x), lease, *got));
              else
                failed();
            },
            failed);
          break;
        case what::renew:
          request(
            x,
            [this, lease] {
              return table_.keep_alive(directory_.at(now_), lease);
            },
            [this, &x, asked, lease](bool there) {
              heed(x, x.sessions.renewed(local(x), asked, lease, there));
              if (there && x.sessions.is_live() && x.sessions.lease() == lease)
                heed(x, x.campaigns.session_renewed(local(x),
                                                    x.sessions.valid_until()));
            },
            failed);
          break;
        case what::revoke:
          request(
            x,
            [this, lease] {
              table_.revoke(lease);
              return true;
            },
            [](bool) {}, [] {});
          break;
        case what::began:
          heed(x, x.campaigns.session_began(local(x), lease,
                                            x.sessions.valid_until()));
          break;
        case what::ended:
          heed(x, x.campaigns.session_ended(local(x), order.text));
          break;
        case what::taken:
          break;
      }
    }
  }

  void heed(node& x, const campaign_orders& orders) {
    using what = campaign_order::what;
    for (const auto& order : orders) {
      const auto failed = [this, &x, which = order.order] {
        heed(x, x.campaigns.failed(local(x), which));
      };
      switch (order.order) {
        case what::claim:
          request(
            x,
            [this, &x, lease = order.lease] {
              return table_.claim("one", x.name, lease);
            },
            [this, &x, lease = order.lease,
             failed](const std::optional<claim_answer>& got) {
              if (got)
                heed(x, x.campaigns.answered(local(x), lease, *got));
              else
                failed();
            },
            failed);
          break;
        case what::release:
          request(
            x,
            [this, made_at = order.revision] {
              table_.remove("one", made_at);
              return true;
            },
            [this, &x, made_at = order.revision](bool) {
              heed(x, x.campaigns.released(local(x), made_at));
            },
            failed);
          break;
        case what::start:
          start(x, order.revision);
          break;
        case what::stop:
          stop(x);
          break;
        case what::force:
          end(x);
          break;
        case what::overrun:
          broken_ = x.name + " overran, though nothing hung";
          break;
      }
    }
  }

  void want(node& x) {
    x.wanted = true;
    heed(x, x.campaigns.enter(local(x), x.stop));
  }

  /// Nobody wants the worker here any more, and it is over.
  void unwant(node& x) {
    x.wanted = false;
    heed(x, x.campaigns.leave(local(x)));
    after(chance_.time(20'000), [this, &x] { in(x, [this, &x] { want(x); }); });
  }

  // -- the worker --------------------------------------------------------------

  void start(node& x, std::int64_t token) {
    if (x.worker != worker_state::none)
      broken_ = x.name + " starts a worker beside its own";
    for (const auto& other : nodes_)
      // One that was stopped runs on with its old belief when it wakes.
      if (&other != &x && other.worker != worker_state::none
          && !other.has_slept)
        broken_ = x.name + " starts while " + other.name + " runs";
    if (token < last_token_)
      broken_ = "the token went down";
    const auto keys = table_.list("one");
    if (keys.empty() || keys[0].made_at != token)
      broken_ = x.name + " starts with a token that is not that of the key";
    last_token_ = token;
    x.token = token;
    x.worker = worker_state::running;
    x.has_slept = false;
    ++starts_;
    ++x.life;
    // It may end by itself.
    if (chance_.chance(30))
      after(chance_.time(60'000), [this, &x, life = x.life] {
        in(x, [this, &x, life] {
          if (healed_ || x.life != life || x.worker != worker_state::running)
            return;
          x.worker = worker_state::none;
          heed(x, x.campaigns.worker_over(local(x)));
          unwant(x);
        });
      });
  }

  void stop(node& x) {
    if (x.worker != worker_state::running)
      return;
    x.worker = worker_state::stopping;
    // It takes all of the time that it may, now and then.
    const auto most = x.clock.when(local(x) + x.stop) - now_;
    const auto part = static_cast<std::int64_t>(chance_.below(100));
    const auto takes = chance_.chance(40) ? most - 2us : most * part / 100;
    after(takes, [this, &x, life = x.life] {
      in(x, [this, &x, life] {
        if (x.life == life)
          end(x);
      });
    });
  }

  void end(node& x) {
    if (x.worker == worker_state::none)
      return;
    x.worker = worker_state::none;
    heed(x, x.campaigns.worker_over(local(x)));
  }

  // -- the operator, and the rest of the world ----------------------------------

  void tell_all() {
    const auto revision = table_.revision();
    if (std::exchange(told_, revision) == revision)
      return;
    for (auto& x : nodes_)
      if (!x.cut && !chance_.chance(how_.lost))
        after(way(), [this, &x] { in(x, [this, &x] { see(x); }); });
  }

  /// A full look, now and then.
  void look(node& x) {
    after(3s, [this, &x] {
      in(x, [this, &x] { see(x); });
      look(x);
    });
  }

  void see(node& x) {
    request(
      x,
      [this, &x] {
        std::optional<claim_answer> mine;
        std::optional<claim_answer> one;
        for (const auto& y : table_.list("members/" + x.name))
          mine = claim_answer{table_.revision(), y.made_at, y.lease, y.value};
        for (const auto& y : table_.list("one"))
          one = claim_answer{table_.revision(), y.made_at, y.lease, y.value};
        return std::tuple{table_.revision(), mine, one};
      },
      [this, &x](const auto& seen) {
        const auto& [at, mine, one] = seen;
        if (!mine || mine->lease != x.sessions.lease())
          heed(x, x.sessions.key_missed(local(x), at));
        heed(x, x.campaigns.seen(local(x), at, one));
      },
      [] {});
  }

  void meddle(node& x) {
    after(chance_.time(30'000), [this, &x] {
      if (healed_)
        return;
      if (how_.cuts && chance_.chance(40))
        x.cut = !x.cut;
      if (how_.pauses && chance_.chance(30) && now_ >= x.asleep_until)
        sleep(x);
      in(x, [this, &x] {
        // The worker is stopped by hand, and wanted again later.
        if (chance_.chance(10) && x.wanted && x.worker == worker_state::none)
          unwant(x);
      });
      meddle(x);
    });
  }

  void sleep(node& x) {
    x.asleep_until = now_ + chance_.time(30'000);
    x.has_slept = true;
    events_.emplace(x.asleep_until, [this, &x] {
      // The messages that it has missed come in any order.
      auto missed = std::exchange(x.missed, {});
      for (auto i = missed.size(); i > 1; --i)
        std::swap(missed[i - 1], missed[chance_.below(i)]);
      for (auto& what : missed)
        in(x, what);
      in(x, [this, &x] { tick(x); });
    });
  }

  /// As long as a node believes in its lease, the directory has it.
  void check_leases() {
    for (const auto& x : nodes_)
      if (broken_.empty() && x.sessions.lease() != 0
          && local(x) < x.sessions.valid_until()
          && !table_.has(x.sessions.lease()))
        broken_ = x.name + " believes in a lease that is over";
  }

  dice chance_;
  trouble how_;
  drifting_clock directory_;
  lease_table table_;
  timespan now_{0};
  std::multimap<timespan, std::function<void()>> events_;
  std::map<std::pair<node*, timespan>, bool> ticks_;
  std::vector<node> nodes_{};
  std::string broken_;
  std::int64_t last_token_ = 0;
  std::int64_t told_ = 0;
  int starts_ = 0;
  bool healed_ = false;
};

/// The rule that is broken in a while of a world, or after it has healed.
std::string broken_in(std::uint64_t seed, trouble how) {
  world x{seed, how, 2 + seed % 3};
  x.run(8min);
  x.heal();
  x.run(2min);
  if (!x.broken().empty())
    return x.broken();
  if (x.running() != 1)
    return std::to_string(x.running()) + " run when all is well";
  if (x.starts() == 0)
    return "nothing has run";
  return {};
}

} // namespace

TEST_CASE("N1 N4 N5 the lives of a singleton do not overlap") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    REQUIRE(broken_in(seed, {}) == std::string{});
  }
}

TEST_CASE("N1 N4 the same with a network of which most is lost or late") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    REQUIRE(broken_in(seed, {30, 40, 30, true, false}) == std::string{});
  }
}

TEST_CASE("N6 a process that was stopped starts nothing with an old grant") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    REQUIRE(broken_in(seed, {10, 10, 5, true, true}) == std::string{});
  }
}

#ifdef TROUPE_HAS_RAPIDCHECK

TEST_CASE("N4 no trouble that rapidcheck thinks of makes them overlap") {
  CHECK(rc::check("one at a time", [] {
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const trouble how{*rc::gen::inRange(0u, 50u), *rc::gen::inRange(0u, 50u),
                      *rc::gen::inRange(0u, 50u), *rc::gen::arbitrary<bool>(),
                      *rc::gen::arbitrary<bool>()};
    RC_ASSERT(broken_in(seed, how) == std::string{});
  }));
}

#endif
