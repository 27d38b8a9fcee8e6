// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Random walks of several processes over one store, beside a model of it that
// is a map and a handful of rules.

#include "durable/engine.hpp"

#include "durable/places.hpp"

#include <catch2/catch_get_random_seed.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::durable;

using rules::ending;
using rules::job_state;
using rules::tries;

namespace {

constexpr auto lease = 30s;

constexpr rules::limits limit{.max_failures = 3,
                              .max_crashes = 2,
                              .backoff = {.initial = 10s, .jitter = 0}};

/// A job as it must be.
struct model_job {
  job_state state = job_state::waiting;
  wall_time run_at;
  int priority = 0;
  std::string unique;
  std::int64_t fence = 0;
  tries counted;
  std::size_t owner = 0;
  troupe::time_point until;
};

template <class Place>
class walk {
public:
  explicit walk(std::uint64_t seed) : dice_(seed) {
    for (auto& x : engines_)
      x = place_.open();
  }

  void step() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
        put();
        break;
      case 3:
      case 4:
        claim();
        break;
      case 5:
      case 6:
        end();
        break;
      case 7:
        pass();
        break;
      case 8:
        recover(below(engines_.size()));
        break;
      default:
        if (below(2) == 0)
          crash();
        else
          tidy();
        break;
    }
    check();
  }

private:
  struct held {
    std::size_t owner;
    claimed_job what;
  };

  std::uint64_t below(std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>{0, n - 1}(dice_);
  }

  void put() {
    auto& x = *engines_[below(engines_.size())];
    model_job next{.run_at = place_.now() + std::chrono::seconds{below(40)}
                             - 20s,
                   .priority = static_cast<int>(below(3)) - 1,
                   .unique = below(3) == 0 ? std::to_string(below(5)) : ""};
    x.begin();
    const auto got = x.put({.queue = "q",
                            .type = "t",
                            .payload = "0",
                            .run_at = next.run_at,
                            .priority = next.priority,
                            .unique = next.unique});
    // Now and then the process changes its mind, or its luck.
    if (below(10) == 0) {
      x.rollback();
      return;
    }
    x.commit();
    const auto same = std::find_if(jobs_.begin(), jobs_.end(), [&](auto& y) {
      return !next.unique.empty() && y.second.unique == next.unique
             && y.second.state <= job_state::running;
    });
    if (same != jobs_.end()) {
      CHECK(got == receipt{same->first, true});
      return;
    }
    CHECK_FALSE(got.existed);
    CHECK(got.id > last_id_);
    last_id_ = got.id;
    ++totals_.put;
    jobs_.emplace(got.id, next);
  }

  void claim() {
    const auto owner = below(engines_.size());
    auto& x = *engines_[owner];
    const claim_order what{.queue = "q",
                           .room = 1 + below(4),
                           .hands_empty = below(2) == 0,
                           .patient = below(3) > 0,
                           .lease = lease,
                           .max_crashes = limit.max_crashes};
    std::vector<std::tuple<int, wall_time, job_id>> order;
    for (const auto& [id, y] : jobs_)
      if (y.state == job_state::waiting && y.run_at <= place_.now())
        order.emplace_back(-y.priority, y.run_at, id);
    std::sort(order.begin(), order.end());
    std::vector<int> crashes;
    for (const auto& y : order)
      crashes.push_back(jobs_[std::get<2>(y)].counted.crashes);
    const auto n = std::min(
      what.room, rules::claim_of(crashes, what.hands_empty, what.patient));
    CHECK(x.is_ready("q") == !order.empty());
    x.begin();
    const auto got = x.claim(what);
    x.commit();
    CHECK(got.more == (order.size() > n));
    REQUIRE(got.jobs.size() == n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto id = std::get<2>(order[i]);
      auto& y = jobs_[id];
      CHECK(got.jobs[i].claim == claim_id{id, y.fence + 1});
      CHECK(got.jobs[i].before == y.counted);
      y.state = job_state::running;
      ++y.fence;
      y.owner = owner;
      y.until = place_.steady_now() + lease;
      held_.push_back({owner, got.jobs[i]});
    }
  }

  /// Ends, or renews, a claim: one that holds, or one of any age.
  void end() {
    if (held_.empty())
      return;
    const auto i = below(held_.size());
    const auto [owner, what] = held_[i];
    auto& x = *engines_[owner];
    model_job none{.fence = -1};
    const auto found = jobs_.find(what.claim.id);
    auto& y = found != jobs_.end() ? found->second : none; // purged
    const auto holds = y.state == job_state::running
                       && y.fence == what.claim.fence;
    const auto how = static_cast<ending>(
      below(static_cast<std::uint64_t>(rules::last_ending()) + 2));
    x.begin();
    if (how > rules::last_ending()) {
      CHECK(x.renew(what.claim, lease) == holds);
      x.commit();
      if (holds)
        y.until = place_.steady_now() + lease;
      return;
    }
    const auto then = rules::after(how, what.before, limit, 5s, 0.0);
    CHECK(x.end({.queue = "q", .claim = what.claim, .what = then}) == holds);
    x.commit();
    if (holds)
      move_on(y, then);
    // It may say so again.
    if (below(3) > 0)
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void move_on(model_job& x, const rules::decision& then) {
    x.state = then.next;
    x.counted = then.after;
    if (then.delay)
      x.run_at = place_.now()
                 + std::chrono::ceil<std::chrono::microseconds>(*then.delay);
    if (then.next == job_state::done)
      ++totals_.done;
  }

  void pass() {
    place_.pass(std::chrono::seconds{below(20)});
    if (below(10) == 0)
      place_.set_clock(std::chrono::hours{below(3)} - 1h);
  }

  void recover(std::size_t who) {
    auto& x = *engines_[who];
    std::size_t over = 0;
    for (auto& [id, y] : jobs_)
      if (y.state == job_state::running
          && (y.until <= place_.steady_now() || y.owner == gone)) {
        move_on(y, rules::after(ending::crashed, y.counted, limit, 0s, 0.0));
        ++over;
      }
    x.begin();
    CHECK(x.recover() == over);
    x.commit();
  }

  /// A process goes, and another one comes in its place.
  void crash() {
    const auto who = below(engines_.size());
    engines_[who] = place_.open();
    if (Place::owners_are_seen)
      for (auto& [id, y] : jobs_)
        if (y.owner == who)
          y.owner = gone;
  }

  void tidy() {
    auto& x = *engines_[below(engines_.size())];
    if (jobs_.empty())
      return;
    auto at = jobs_.begin();
    std::advance(at, below(jobs_.size()));
    auto& [id, y] = *at;
    x.begin();
    const auto there = y.state == job_state::waiting
                       || y.state == job_state::buried;
    CHECK(x.purge(id) == there);
    x.commit();
    if (there) {
      ++totals_.purged;
      jobs_.erase(at);
    }
  }

  void check() {
    auto expected = totals_;
    for (const auto& [id, y] : jobs_) {
      expected.waiting += y.state == job_state::waiting ? 1 : 0;
      expected.running += y.state == job_state::running ? 1 : 0;
      expected.buried += y.state == job_state::buried ? 1 : 0;
    }
    const auto found = engines_[below(engines_.size())]->count("q");
    CHECK(found == expected);
    CHECK(found.waiting + found.running + found.buried + found.done
            + found.purged
          == found.put);
  }

  static constexpr std::size_t gone = 99;

  std::mt19937_64 dice_;
  Place place_;
  std::vector<std::unique_ptr<engine>> engines_
    = std::vector<std::unique_ptr<engine>>(3);
  std::map<job_id, model_job> jobs_;
  std::vector<held> held_;
  queue_totals totals_;
  job_id last_id_ = 0;
};

} // namespace

TEMPLATE_TEST_CASE("J17 after any walk each job is where the model says", "",
                   TROUPE_PLACES) {
  for (std::uint64_t i = 0; i < 6; ++i) {
    const auto seed = std::uint64_t{Catch::getSeed()} + i;
    INFO("seed " << seed);
    walk<TestType> x{seed};
    for (int n = 0; n < 300; ++n)
      x.step();
  }
}
