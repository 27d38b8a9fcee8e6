// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/desk.hpp"

#include "rules/backoff.hpp"
#include "rules/printable.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "troupe/events.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <utility>

namespace troupe::durable {

namespace {

/// More of an error than a person reads is not kept.
constexpr std::size_t most_of_error = 4000;

} // namespace

/// While it lives, a handler is at work. If it is destroyed, so is the job's
/// chance.
class basic_worker::desk::handling {
public:
  handling(desk& where, job& what) noexcept : where_(where), what_(&what) {
    // nop
  }

  handling(const handling&) = delete;

  handling& operator=(const handling&) = delete;

  ~handling() {
    if (what_ != nullptr)
      where_.put_down(*what_, rules::ending::forced);
  }

  /// The handler has ended.
  void done() noexcept {
    what_ = nullptr;
  }

private:
  desk& where_;
  job* what_;
};

basic_worker::desk::desk(basic_worker& owner, queue_base source,
                         const durable::options& how)
  : owner_(owner),
    source_(std::move(source)),
    options_(how),
    chance_(std::random_device{}()) {
  // nop
}

basic_worker::desk::~desk() {
  if (!entered_)
    return;
  close();
  store().leave(seat_);
}

status_fields basic_worker::desk::describe() const {
  return {{"queue", queue()},
          {"store", store().name()},
          {"in hand", std::to_string(in_hand())},
          {"handled", std::to_string(handled_)},
          {"failed", std::to_string(failed_)},
          {"lost claims", std::to_string(lost_)}};
}

// -- the parts of run ------------------------------------------------------------

task<> basic_worker::desk::follow_store() {
  entered_ = true;
  store().enter(seat_);
  place_order();
  while (true) {
    if (owner_.is_stopping() || failure_)
      close();
    if (closed_ && held_.empty())
      break;
    if (closed_) {
      co_await *seat_;
    } else {
      auto either = when_any(*seat_, owner_.stop_requested());
      co_await std::move(either);
    }
    hear(seat_->take());
    place_order();
  }
  over_ = true;
  changed_.set();
}

task<> basic_worker::desk::renew_claims() {
  while (!over_) {
    const auto next = next_renewal();
    if (next == never) {
      co_await changed_;
    } else {
      auto either = when_any(owner_.sleep_until(next), changed_);
      co_await std::move(either);
    }
    changed_.reset();
    renew_what_is_due();
    place_order();
  }
}

task<> basic_worker::desk::handle_jobs() {
  while (auto next = co_await ready_) {
    auto& x = **next;
    if (x.lost() || owner_.is_stopping()) {
      give_back(x);
      continue;
    }
    const auto begin = now();
    x.state_->begun = begin;
    {
      handling guard{*this, x};
      std::exception_ptr thrown;
      try {
        auto work = owner_.handle_payload(x);
        co_await std::move(work);
      } catch (...) {
        // The user's own `policy_for` has failed, and the worker does.
        thrown = std::current_exception();
      }
      guard.done();
      if (thrown) {
        x.failed(on_error::fail, thrown);
      }
    }
    note_length(time_left(now(), begin));
    ++handled_;
    const auto fails = x.state_->policy
                       && x.state_->policy->what() == on_error::action::fail;
    if (fails && !failure_)
      failure_ = x.state_->thrown;
    put_down(x, x.state_->wanted);
    if (failure_)
      close();
    place_order();
  }
}

// -- jobs ------------------------------------------------------------------------

void basic_worker::desk::hear(store_news news) {
  if (news.about_store) {
    if (news.trouble.empty())
      owner_.healthy();
    else
      owner_.degraded("the store of jobs " + news.trouble);
  }
  if (news.order_done) {
    ordered_ = false;
    // The jobs that are left are to be claimed alone.
    const auto deferred = news.more && news.jobs.empty();
    if (!deferred)
      patient_until_ = never;
    else if (patient_until_ == never)
      patient_until_ = deadline_after(now(), rules::patience);
  }
  for (const auto& x : news.ended)
    held_.erase(x);
  for (const auto& x : news.lost)
    lose(x);
  for (auto& x : news.jobs)
    accept(std::move(x));
}

void basic_worker::desk::accept(claimed_job what) {
  const auto claim = what.claim;
  if (what.before.crashes > 0 && in_hand_ == 0)
    alone_until_ = deadline_after(now(), rules::patience);
  auto x = std::make_unique<job>(std::move(what), owner_);
  held_[claim] = {x.get(), now()};
  ++in_hand_;
  changed_.set();
  if (closed_)
    give_back(*x);
  else
    ready_.push(std::move(x));
}

void basic_worker::desk::lose(const claim_id& claim) {
  const auto found = held_.find(claim);
  if (found == held_.end())
    return;
  auto* what = found->second.what;
  if (what == nullptr) {
    // Its handler has ended, and was too late.
    held_.erase(found);
  } else if (!what->lost()) {
    what->state_->lost = true;
    what->state_->stop.request_stop();
  } else {
    return;
  }
  ++lost_;
  const auto text = "worker \"" + owner_.path()
                    + "\" has lost its claim of job " + std::to_string(claim.id)
                    + " in queue \"" + queue() + "\"";
  store().warn(text);
  if (!store().rt().events().wanted())
    return;
  auto& core = detail::access::core_of(owner_);
  core.tell();
  core.publish(event_kind::lost_claim, caf::make_error(errc::claim_lost, text));
}

void basic_worker::desk::place_order() {
  if (ordered_ || closed_)
    return;
  const auto at = now();
  const auto is_alone = in_hand_ > 0 && alone_until_ != never
                        && at < alone_until_;
  const auto waits = in_hand_ > 0 && patient_until_ != never
                     && at < patient_until_;
  if (is_alone || waits)
    return;
  alone_until_ = never;
  const auto room = rules::room_for(options_.concurrency, in_hand_, mean_);
  if (room == 0)
    return;
  ordered_ = true;
  store().order(seat_,
                {.queue = queue(),
                 .room = room,
                 .hands_empty = in_hand_ == 0,
                 .patient = patient_until_ == never || at < patient_until_,
                 .lease = options_.lease,
                 .max_crashes = options_.max_crashes});
}

void basic_worker::desk::close() {
  if (std::exchange(closed_, true))
    return;
  store().leave(seat_);
  while (auto x = ready_.try_receive())
    give_back(**x);
  ready_.close();
}

void basic_worker::desk::give_back(job& what) {
  put_down(what, rules::ending::not_begun);
}

void basic_worker::desk::put_down(job& what, rules::ending how) {
  auto& x = *what.state_;
  if (const auto found = held_.find(x.what.claim); found != held_.end()) {
    found->second.what = nullptr;
    --in_hand_;
    if (x.lost)
      held_.erase(found);
  }
  if (x.lost)
    return; // it is somebody else's
  if (how == rules::ending::returned && x.ended_by_user) {
    how = rules::ending::uncommitted;
    x.error = "its transaction with done_in was not committed";
  }
  if (how == rules::ending::forced)
    x.error = "its worker was forced or killed with it in hand";
  const rules::limits given{.max_failures = options_.max_failures,
                            .max_crashes = options_.max_crashes,
                            .backoff = options_.backoff};
  const auto limit = x.policy ? rules::limits_for(*x.policy, given) : given;
  if (how == rules::ending::failed) {
    ++failed_;
    store().note_failure(queue());
  }
  auto error = troupe::rules::printable(x.error);
  if (error.size() > most_of_error)
    error.resize(most_of_error);
  store().end(seat_, {.queue = queue(),
                      .claim = x.what.claim,
                      .what = rules::after(how, x.what.before, limit, x.snooze,
                                           troupe::rules::sample(chance_)),
                      .error = std::move(error),
                      .keep_done = options_.keep_done,
                      .ended_by_user = x.ended_by_user});
}

void basic_worker::desk::note_length(timespan length) noexcept {
  // The last eight or so count.
  length = std::max(length, timespan{1});
  mean_ = mean_ == timespan::zero() ? length : mean_ + (length - mean_) / 8;
}

// -- claims ----------------------------------------------------------------------

time_point basic_worker::desk::next_renewal() const {
  auto result = never;
  for (const auto& [claim, x] : held_) {
    if (x.what == nullptr || x.what->lost())
      continue;
    const auto renewable = rules::may_renew(x.what->state_->begun,
                                            options_.max_run, now());
    result = std::min(result, renewable
                                ? rules::renew_at(x.since, options_.lease)
                                : deadline_after(x.since, options_.lease));
  }
  // When it no longer waits for its hands to become empty, or for the job that
  // it has alone.
  if (in_hand_ > 0 && !closed_)
    for (const auto x : {patient_until_, alone_until_})
      if (x > now())
        result = std::min(result, x);
  return result;
}

void basic_worker::desk::renew_what_is_due() {
  const auto at = now();
  std::vector<claim_id> over;
  for (auto& [claim, x] : held_) {
    if (x.what == nullptr || x.what->lost())
      continue;
    if (!rules::may_renew(x.what->state_->begun, options_.max_run, at)) {
      if (at >= deadline_after(x.since, options_.lease))
        over.push_back(claim);
    } else if (at >= rules::renew_at(x.since, options_.lease)) {
      x.since = at;
      store().renew(seat_, claim, options_.lease);
    }
  }
  for (const auto& claim : over)
    lose(claim);
}

} // namespace troupe::durable
