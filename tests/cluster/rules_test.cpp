// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/campaign.hpp"
#include "cluster/lease.hpp"
#include "cluster/lease_table.hpp"
#include "cluster/session.hpp"
#include "troupe/cluster/token.hpp"

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::cluster;
using namespace troupe::cluster::rules;

using troupe::infinite;
using troupe::never;
using troupe::time_point;
using troupe::timespan;

namespace {

constexpr timespan ttl = 10s;
constexpr time_point zero{1000s};

time_point at(timespan since) {
  return zero + since;
}

// -- sessions ------------------------------------------------------------------

using so = session_order;
using sp = session::phase;

so asks() {
  return {so::what::ask};
}

so joins(lease_id lease) {
  return {so::what::put_member, lease};
}

so renews(lease_id lease) {
  return {so::what::renew, lease};
}

so revokes(lease_id lease) {
  return {so::what::revoke, lease};
}

so begins(lease_id lease, std::int64_t epoch) {
  return {so::what::began, lease, epoch};
}

/// Whether there is one of that kind.
template <class Orders, class What>
bool has(const Orders& orders, What which) {
  for (const auto& x : orders)
    if (x.order == which)
      return true;
  return false;
}

/// A session with lease 7 that was asked for at `zero`, and epoch 3.
session live_session() {
  session x{ttl};
  (void) x.begin(zero);
  (void) x.leased(at(100ms), zero, 7, ttl);
  (void) x.joined(at(200ms), 7, {3, 3, 7, "a"});
  return x;
}

// -- campaigns -----------------------------------------------------------------

using co = campaign_order;
using cp = campaign::phase;

constexpr timespan stop = 3s;

co claims() {
  return {co::what::claim, 7};
}

co starts(std::int64_t revision) {
  return {co::what::start, 7, revision};
}

co releases(std::int64_t revision) {
  return {co::what::release, 0, revision};
}

claim_answer ours(std::int64_t revision) {
  return {revision, revision, 7, "a"};
}

claim_answer theirs(std::int64_t revision) {
  return {revision, revision, 8, "b"};
}

/// A campaign under lease 7, valid until 9 s, with the grant 5.
campaign holder() {
  campaign x{ttl, stop};
  (void) x.session_began(zero, 7, at(9s));
  (void) x.enter(zero, stop);
  (void) x.answered(zero, 7, ours(5));
  REQUIRE(x.at() == cp::holding);
  return x;
}

} // namespace

// -- leases ----------------------------------------------------------------------

TEST_CASE("N1 a lease is valid from before it was asked for, less a tenth") {
  CHECK(valid_until(zero, ttl) == at(9s));
  CHECK(belief(15s) == 13500ms);
}

TEST_CASE("N5 three renewals may get no answer before a worker is stopped") {
  CHECK(longest_stop(ttl) == 4s);
  CHECK(renew_after(ttl) + 3 * answer_within(ttl) + longest_stop(ttl)
        == belief(ttl));
  CHECK(retry_after(ttl) < answer_within(ttl));
}

TEST_CASE("N5 the shortest lease for a stop is the one that is named") {
  CHECK(ttl_for(0s) == least_ttl);
  CHECK(ttl_for(4s) == 10s);
  CHECK(ttl_for(4s + 1ns) == 11s);
  CHECK(ttl_for(12s) == 30s);
  CHECK(ttl_for(2h) == infinite);
  CHECK(ttl_for(infinite) == infinite);
  for (auto x = 1ms; x < 100s; x += 333ms) {
    CHECK(longest_stop(ttl_for(x)) >= x);
    CHECK((ttl_for(x) == least_ttl || longest_stop(ttl_for(x) - 1s) < x));
  }
}

TEST_CASE("N4 a token grows with its generation, then its revision") {
  CHECK(token{1, 9} < token{1, 10});
  CHECK(token{1, 10} < token{2, 1});
  CHECK(token{1, 10}.number() < token{2, 1}.number());
  CHECK(token{1, 9}.number() < token{1, 10}.number());
  CHECK(to_string(token{1, 4711}) == "1.4711");
}

// -- sessions --------------------------------------------------------------------

TEST_CASE("N2 a node asks for a lease, then claims its name under it") {
  session x{ttl};
  CHECK(x.begin(zero) == session_orders{asks()});
  CHECK(x.begin(zero).empty());
  CHECK(x.leased(at(100ms), zero, 7, ttl) == session_orders{joins(7)});
  CHECK(x.at() == sp::joining);
  CHECK(x.valid_until() == at(9s));
  CHECK(x.joined(at(200ms), 7, {3, 3, 7, "a"}) == session_orders{begins(7, 3)});
  CHECK(x.is_live());
  CHECK(x.epoch() == 3);
}

TEST_CASE("N2 a name that another process has is claimed again and again") {
  session x{ttl};
  (void) x.begin(zero);
  (void) x.leased(at(0s), zero, 7, ttl);
  const auto out = x.joined(at(0s), 7, {9, 2, 4, "another"});
  CHECK(out == session_orders{{so::what::taken, 0, 0, "another"}});
  CHECK(x.at() == sp::joining);
  CHECK(x.tick(at(1s)).empty());
  CHECK(has(x.tick(at(2s)), so::what::put_member));
  CHECK(x.joined(at(2s), 7, {12, 12, 7, "a"}) == session_orders{begins(7, 12)});
}

TEST_CASE("N2 a claim whose answer was lost is known by its lease") {
  session x{ttl};
  (void) x.begin(zero);
  (void) x.leased(at(0s), zero, 7, ttl);
  CHECK(x.tick(at(1s)) == session_orders{joins(7)});
  // The first one had made the key.
  CHECK(x.joined(at(2s), 7, {9, 3, 7, "a"}) == session_orders{begins(7, 3)});
}

TEST_CASE("N1 a lease that is shorter than was asked for counts as that") {
  session x{ttl};
  (void) x.begin(zero);
  (void) x.leased(zero, zero, 7, 5s);
  CHECK(x.valid_until() == at(4500ms));
  session y{ttl};
  (void) y.begin(zero);
  (void) y.leased(zero, zero, 7, 50s);
  CHECK(y.valid_until() == at(9s));
}

TEST_CASE("N1 a question for a lease that gets no answer is asked again") {
  session x{ttl};
  (void) x.begin(zero);
  CHECK(x.due() == at(1s));
  CHECK(x.tick(at(999ms)).empty());
  CHECK(x.tick(at(1s)) == session_orders{asks()});
  // Both are answered: the second one runs out unused.
  CHECK(x.leased(at(2s), zero, 7, ttl) == session_orders{joins(7)});
  CHECK(x.valid_until() == at(9s));
  CHECK(x.leased(at(2s), at(1s), 8, ttl).empty());
  CHECK(x.lease() == 7);
  CHECK(x.leased(at(2s), zero, 7, ttl).empty());
}

TEST_CASE("N1 an answer that comes when its time is over is of no use") {
  session x{ttl};
  (void) x.begin(zero);
  CHECK(x.leased(at(9s), zero, 7, ttl).empty());
  CHECK(x.at() == sp::asking);
}

TEST_CASE("N1 a renewal counts from when it was asked for") {
  auto x = live_session();
  CHECK(x.due() == at(2s));
  CHECK(x.tick(at(2s)) == session_orders{renews(7)});
  CHECK(x.renewed(at(4s), at(2s), 7, true).empty());
  CHECK(x.valid_until() == at(11s));
  CHECK(x.due() == at(4s));
  // An older one that is answered later takes nothing away.
  CHECK(x.renewed(at(5s), at(1s), 7, true).empty());
  CHECK(x.valid_until() == at(11s));
}

TEST_CASE("N1 a renewal is tried again, sooner where it has failed") {
  auto x = live_session();
  (void) x.tick(at(2s));
  CHECK(x.due() == at(3s));
  CHECK(x.failed(at(2s), so::what::renew, 7).empty());
  CHECK(x.due() == at(2500ms));
  CHECK(x.tick(at(2500ms)) == session_orders{renews(7)});
}

TEST_CASE("N8 a session without a renewal ends, and another one begins") {
  auto x = live_session();
  for (auto t = 2s; t < 9s; t += 1s)
    CHECK(x.tick(at(t)) == session_orders{renews(7)});
  auto out = x.tick(at(9s));
  REQUIRE(out.size() == 2);
  CHECK(out[0].order == so::what::ended);
  CHECK(out[0].epoch == 3);
  CHECK(out[1] == asks());
  CHECK_FALSE(x.is_live());
  // An answer that comes now is one about a lease of the past.
  CHECK(x.renewed(at(9s), at(8s), 7, true).empty());
  CHECK(x.lease() == 0);
  CHECK(x.leased(at(10s), at(9s), 8, ttl) == session_orders{joins(8)});
  CHECK(x.joined(at(10s), 7, {3, 3, 7, "a"}).empty());
  CHECK(x.joined(at(10s), 8, {6, 6, 8, "a"}) == session_orders{begins(8, 6)});
}

TEST_CASE("N8 the lease of a lost session is not taken, nor given back") {
  auto x = live_session();
  (void) x.renewed(at(1s), at(1s), 7, false);
  CHECK(x.leased(at(1s), at(1s), 7, ttl).empty());
  CHECK(x.lease() == 0);
}

TEST_CASE("N8 a renewal that is answered too late does not save the session") {
  auto x = live_session();
  (void) x.tick(at(2s));
  CHECK(has(x.renewed(at(9s), at(8s), 7, true), so::what::ended));
}

TEST_CASE("N8 a lease that the directory does not know is lost at once") {
  auto x = live_session();
  CHECK(has(x.renewed(at(3s), at(2s), 7, false), so::what::ended));
  CHECK(x.at() == sp::asking);
}

TEST_CASE("N8 a member whose key is gone has lost its session") {
  auto x = live_session();
  CHECK(x.key_missed(at(1s), 2).empty()); // a look from before
  CHECK(has(x.key_missed(at(1s), 4), so::what::ended));
}

TEST_CASE("N2 a node that leaves gives its lease back") {
  auto x = live_session();
  CHECK(x.leave() == session_orders{revokes(7)});
  CHECK(x.due() == never);
  CHECK(x.leased(at(1s), at(0s), 9, ttl) == session_orders{revokes(9)});
}

// -- campaigns -------------------------------------------------------------------

TEST_CASE("N4 a worker runs when the key is made under its lease") {
  campaign x{ttl, stop};
  CHECK(x.session_began(zero, 7, at(9s)).empty());
  CHECK(x.enter(zero, stop) == campaign_orders{claims()});
  CHECK(x.answered(zero, 7, ours(5)) == campaign_orders{starts(5)});
  CHECK(x.at() == cp::holding);
  CHECK(x.revision() == 5);
}

TEST_CASE("N7 without a session nothing exclusive starts") {
  campaign x{ttl, stop};
  CHECK(x.enter(zero, stop).empty());
  CHECK(x.at() == cp::waiting);
  CHECK(x.due() == never);
  CHECK(x.session_began(zero, 7, at(9s)) == campaign_orders{claims()});
}

TEST_CASE("N4 others wait until the key is gone") {
  campaign x{ttl, stop};
  (void) x.session_began(zero, 7, at(9s));
  (void) x.enter(zero, stop);
  CHECK(x.answered(zero, 7, theirs(4)).empty());
  CHECK(x.at() == cp::candidate);
  CHECK(x.holder() == "b");
  CHECK(x.seen(zero, 6, theirs(4)).empty());
  CHECK(x.seen(zero, 7, std::nullopt) == campaign_orders{claims()});
  CHECK(x.answered(zero, 7, ours(8)) == campaign_orders{starts(8)});
}

TEST_CASE("N4 a claim that gets no answer, or fails, is made again") {
  campaign x{ttl, stop};
  (void) x.session_began(zero, 7, at(9s));
  (void) x.enter(zero, stop);
  CHECK(x.due() == at(1s));
  CHECK(x.tick(at(1s)) == campaign_orders{claims()});
  CHECK(x.failed(at(1s), co::what::claim).empty());
  CHECK(x.due() == at(1500ms));
  // Of two that are answered one starts a worker.
  CHECK(x.answered(at(2s), 7, ours(5)) == campaign_orders{starts(5)});
  CHECK(x.answered(at(2s), 7, {9, 5, 7, "a"}).empty());
}

TEST_CASE("N4 an answer about another lease starts nothing") {
  campaign x{ttl, stop};
  (void) x.session_began(zero, 7, at(9s));
  (void) x.enter(zero, stop);
  CHECK(x.answered(zero, 6, {5, 5, 6, "a"}).empty());
  CHECK(x.at() == cp::asking);
}

TEST_CASE("N4 an old answer does not bring a former grant back") {
  auto x = holder();
  (void) x.worker_over(at(1s));
  CHECK(x.leave(at(1s)) == campaign_orders{releases(5)});
  CHECK(x.released(at(1s), 5).empty());
  (void) x.enter(at(2s), stop);
  CHECK(x.answered(at(2s), 7, theirs(6)).empty());
  CHECK(x.answered(at(2s), 7, ours(5)).empty());
  CHECK(x.at() == cp::candidate);
  // Nor one that was overtaken by the news that another one has it.
  campaign y{ttl, stop};
  (void) y.session_began(zero, 7, at(9s));
  (void) y.enter(zero, stop);
  (void) y.answered(zero, 7, {9, 8, 8, "b"});
  CHECK(y.answered(zero, 7, ours(5)).empty());
}

TEST_CASE("N4 a worker that is over gives its key back") {
  auto x = holder();
  CHECK(x.worker_over(at(1s)).empty());
  CHECK(x.leave(at(1s)) == campaign_orders{releases(5)});
  CHECK(x.due() == at(2s));
  CHECK(x.tick(at(2s)) == campaign_orders{releases(5)});
  // One that comes meanwhile waits for that.
  CHECK(x.enter(at(2s), stop).empty());
  CHECK(x.released(at(3s), 5) == campaign_orders{claims()});
}

TEST_CASE("N4 a key that nobody here wants any more is given back") {
  campaign x{ttl, stop};
  (void) x.session_began(zero, 7, at(9s));
  (void) x.enter(zero, stop);
  CHECK(x.leave(zero).empty());
  CHECK(x.answered(zero, 7, ours(5)) == campaign_orders{releases(5)});
  // Also where the answer was lost, and a look shows it.
  campaign y{ttl, stop};
  (void) y.session_began(zero, 7, at(9s));
  (void) y.enter(zero, stop);
  (void) y.leave(zero);
  CHECK(y.seen(zero, 9, ours(5)) == campaign_orders{releases(5)});
}

TEST_CASE("N5 a worker is stopped so early that it is over by the end") {
  auto x = holder();
  CHECK(x.due() == at(6s));
  CHECK(x.tick(at(5999ms)).empty());
  const auto out = x.tick(at(6s));
  REQUIRE(out.size() == 1);
  CHECK(out[0].order == co::what::stop);
  CHECK(x.at() == cp::stopping);
  CHECK(x.due() == at(9s));
  CHECK(has(x.tick(at(9s)), co::what::force));
  CHECK(x.due() == never);
}

TEST_CASE("N5 a renewal moves the end of the grant") {
  auto x = holder();
  CHECK(x.session_renewed(at(2s), at(11s)).empty());
  CHECK(x.due() == at(8s));
}

TEST_CASE("N5 a grant that was renewed in the end goes on with its token") {
  auto x = holder();
  (void) x.tick(at(6s));
  CHECK(x.worker_over(at(7s)).empty());
  CHECK(x.at() == cp::paused);
  CHECK(x.session_renewed(at(8s), at(16s)) == campaign_orders{starts(5)});
}

TEST_CASE("N5 a renewal while the worker stops starts the next one behind it") {
  auto x = holder();
  (void) x.tick(at(6s));
  CHECK(x.session_renewed(at(7s), at(15s)).empty());
  CHECK(x.at() == cp::stopping);
  CHECK(x.worker_over(at(7s)) == campaign_orders{starts(5)});
}

TEST_CASE("N5 an abandoned worker overruns its grant at the end of that") {
  auto x = holder();
  CHECK(x.worker_hangs(at(2s)).empty());
  // It keeps the key as long as the session lives: nobody else may run.
  CHECK(x.leave(at(2s)).empty());
  CHECK(x.session_renewed(at(2s), at(11s)).empty());
  CHECK(x.due() == at(11s));
  CHECK(has(x.tick(at(11s)), co::what::overrun));
  CHECK(x.tick(at(12s)).empty());
  CHECK(x.due() == never);
}

TEST_CASE("N5 an abandoned worker lets no other one start in its process") {
  auto x = holder();
  (void) x.worker_hangs(at(2s));
  (void) x.leave(at(2s));
  CHECK(x.enter(at(3s), stop).empty());
  (void) x.session_ended(at(3s), "lost");
  CHECK(x.session_began(at(4s), 9, at(13s)).empty());
  CHECK(x.at() == cp::hanging);
}

TEST_CASE("N8 a worker is stopped when the session is lost") {
  auto x = holder();
  const auto out = x.session_ended(at(1s), "lost");
  CHECK(out == campaign_orders{{co::what::stop, 0, 5, "lost"}});
  // The time to stop, and no more.
  CHECK(x.due() == at(4s));
  CHECK(x.session_began(at(2s), 9, at(11s)).empty());
  CHECK(x.due() == at(4s));
  CHECK(x.worker_over(at(3s)) == campaign_orders{{co::what::claim, 9}});
  CHECK(x.answered(at(3s), 9, {8, 8, 9, "a"})
        == campaign_orders{{co::what::start, 9, 8}});
}

TEST_CASE("N6 a process that wakes after its time is over forces at once") {
  auto x = holder();
  const auto out = x.session_ended(at(60s), "lost");
  CHECK(has(out, co::what::stop));
  CHECK(has(out, co::what::force));
  // Nor does an answer that waited meanwhile start anything.
  campaign y{ttl, stop};
  (void) y.session_began(zero, 7, at(9s));
  (void) y.enter(zero, stop);
  CHECK(y.answered(at(60s), 7, ours(5)).empty());
  CHECK(y.at() == cp::paused);
}

TEST_CASE("N4 a worker whose key is gone is stopped") {
  auto x = holder();
  CHECK(x.seen(at(1s), 4, std::nullopt).empty()); // a look from before
  CHECK(x.seen(at(1s), 6, ours(5)).empty());
  CHECK(has(x.seen(at(1s), 7, theirs(6)), co::what::stop));
  // A renewal of the lease does not bring it back.
  CHECK(x.session_renewed(at(2s), at(11s)).empty());
  CHECK(x.due() == at(4s));
  CHECK(x.worker_over(at(2s)) == campaign_orders{claims()});
}

// -- the directory in memory -----------------------------------------------------

TEST_CASE("N4 a key is made once, and its revisions only grow") {
  lease_table x;
  const auto a = x.grant(zero, ttl);
  const auto b = x.grant(zero, ttl);
  const auto first = x.claim("k", "a", a);
  REQUIRE(first);
  CHECK(first->lease == a);
  const auto again = x.claim("k", "b", b);
  REQUIRE(again);
  CHECK(*again == *first);
  CHECK_FALSE(x.remove("k", first->made_at - 1));
  CHECK(x.remove("k", first->made_at));
  const auto then = x.claim("k", "b", b);
  REQUIRE(then);
  CHECK(then->lease == b);
  CHECK(then->made_at > first->made_at);
  CHECK_FALSE(x.claim("k", "c", 99));
}

TEST_CASE("N1 the keys of a lease go with it") {
  lease_table x;
  const auto a = x.grant(zero, ttl);
  (void) x.claim("x/k", "a", a);
  CHECK(x.due() == at(10s));
  CHECK_FALSE(x.expire(at(9999ms)));
  CHECK(x.keep_alive(at(5s), a));
  CHECK_FALSE(x.expire(at(10s)));
  CHECK(x.list("x/").size() == 1);
  CHECK(x.list("y").empty());
  CHECK(x.expire(at(15s)));
  CHECK(x.list("x/").empty());
  CHECK_FALSE(x.keep_alive(at(15s), a));
}

TEST_CASE("N6 a guarded put is refused when the guard is another one") {
  lease_table x;
  const auto a = x.grant(zero, ttl);
  const auto guard = x.claim("k", "a", a);
  REQUIRE(guard);
  CHECK(x.put_guarded("v", "1", "k", guard->made_at));
  x.revoke(a);
  CHECK_FALSE(x.put_guarded("v", "2", "k", guard->made_at));
  REQUIRE(x.list("v").size() == 1);
  CHECK(x.list("v")[0].value == "1");
}
