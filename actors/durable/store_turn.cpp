// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// One turn of the thread of a store.

#include "durable/append.hpp"
#include "durable/store_thread.hpp"
#include "durable/times.hpp"
#include "troupe/error.hpp"

#include <algorithm>
#include <utility>

namespace troupe::durable {

namespace {

using namespace std::chrono_literals;

/// How long a job, or a key, that somebody else's transaction has is left
/// alone.
constexpr timespan busy_period = 50ms;

/// How long a store that does not work is left alone.
constexpr restart_backoff retry{.initial = 50ms, .max = 5s};

/// So often it is tried before that is called trouble: another process may
/// have kept the lock of SQLite a little too long.
constexpr std::uint32_t quiet_attempts = 1;

} // namespace

void store_thread::turn() {
  if (attempts_ > 0 && now() < try_again_) {
    fail_late_puts();
  } else {
    try {
      if (unsure_)
        settle();
      look_around();
      if (!taken_.empty() || (recover_ && !orders_.empty())
          || (!periodic_.empty() && periodic_.due() <= engine_->wall())
          || worth_a_claim()) {
        engine_->begin();
        write();
        unsure_ = true;
        engine_->commit();
        unsure_ = false;
        tell_all();
      }
      went_well();
    } catch (const engine_error& e) {
      went_wrong(e.what());
    }
  }
  // Last: the answer knows what came in before the question.
  answer_questions();
}

void store_thread::look_around() {
  const auto at = now();
  if (orders_.empty() || at < next_look_)
    return;
  next_look_ = at + engine_->look_period();
  if (engine_->changed_by_others())
    for (auto& [name, view] : queues_)
      view.look = true;
  if (engine_->someone_is_gone())
    recover_ = true;
  if (at >= next_lease_look_) {
    auto rest = engine_->lease_look_period();
    if (const auto end = engine_->next_lease_end()) {
      recover_ = recover_ || *end <= timespan::zero();
      rest = std::clamp(*end, busy_period, rest);
    }
    next_lease_look_ = at + rest;
  }
  next_look_ = std::min(next_look_, next_lease_look_);
}

bool store_thread::worth_a_claim() {
  auto result = false;
  for (const auto& x : orders_) {
    auto& view = queues_[x.what.queue];
    if (view.next && *view.next <= engine_->wall())
      view.look = true;
    if (!view.look)
      continue;
    view.next = engine_->next_run_at(x.what.queue);
    view.look = view.next && *view.next <= engine_->wall();
    result = result || view.look;
  }
  return result;
}

void store_thread::write() {
  for (const auto& queue :
       periodic_.put_due(*engine_, [this](const std::string& x) { warn(x); }))
    queues_[queue].look = true;
  written_.add(taken_);
  write_puts();
  write_ends();
  write_renewals();
  recovered_ = recover_ && !orders_.empty() ? engine_->recover() : 0;
  if (recovered_ > 0)
    for (auto& [name, view] : queues_)
      view.look = true;
  claim_all();
}

void store_thread::write_puts() {
  if (written_.puts.empty())
    return;
  std::vector<const new_job*> all;
  all.reserve(written_.puts.size());
  for (const auto& x : written_.puts)
    all.push_back(&x.what);
  auto answers = engine_->put_all(all);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& x = written_.puts[i];
    x.done = std::move(answers[i]);
    if (x.done.what == outcome::done)
      queues_[x.what.queue].look = true;
  }
}

void store_thread::write_ends() {
  if (written_.ends.empty())
    return;
  std::vector<const job_end*> all;
  all.reserve(written_.ends.size());
  for (const auto& x : written_.ends)
    all.push_back(&x.what);
  const auto answers = engine_->end_all(all);
  auto forget = false;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& x = written_.ends[i];
    x.done = answers[i];
    if (x.done != outcome::done)
      continue;
    if (x.what.what.next == rules::job_state::waiting)
      queues_[x.what.queue].look = true;
    forget = forget || x.what.keep_done > timespan::zero();
  }
  if (forget)
    engine_->forget_done();
}

void store_thread::write_renewals() {
  if (written_.renewals.empty())
    return;
  std::vector<renewal> all;
  all.reserve(written_.renewals.size());
  for (const auto& x : written_.renewals)
    all.push_back(x.what);
  const auto held = engine_->renew_all(all);
  for (std::size_t i = 0; i < held.size(); ++i)
    written_.renewals[i].held = held[i];
}

void store_thread::claim_all() {
  for (auto& x : orders_) {
    auto& view = queues_[x.what.queue];
    if (!view.look)
      continue;
    auto got = engine_->claim(x.what);
    if (!got.more) {
      view.look = false;
      view.next = engine_->next_run_at(x.what.queue);
      // One that is ready, and could not be had, is in another transaction.
      if (view.next && *view.next <= engine_->wall())
        view.next = later(engine_->wall(), busy_period);
    }
    if (got.more || !got.jobs.empty())
      x.done = std::move(got);
  }
}

void store_thread::settle() {
  const auto happened = engine_->was_committed();
  unsure_ = false;
  if (happened)
    tell_all();
  else
    take_back();
}

void store_thread::take_back() {
  written_.add(taken_); // what has come in since then comes after it
  std::swap(written_, taken_);
  busy_until_ = time_point::min();
  for (auto& x : orders_)
    x.done.reset();
}

void store_thread::tell_all() {
  periodic_.committed();
  if (!orders_.empty())
    recover_ = false;
  busy_until_ = taken_.empty() ? now() + busy_period : time_point::min();
  tell_puts();
  tell_ends();
  for (auto& x : written_.renewals) {
    if (x.held)
      continue;
    store_news news;
    news.lost.push_back(x.what.claim);
    x.who->tell(news);
  }
  written_ = {};
  if (recovered_ > 0) {
    std::unique_lock guard{mtx_};
    counts_.crashes += recovered_;
  }
  fail_late(taken_.puts,
            name_ + ": somebody else's transaction has the unique key");
  tell_orders();
}

void store_thread::tell_puts() {
  for (auto& x : written_.puts) {
    switch (x.done.what) {
      case outcome::busy:
        taken_.puts.push_back(std::move(x));
        break;
      case outcome::refused:
        x.reply->answer(
          caf::make_error(errc::store_failed, std::move(x.done.why)));
        break;
      default:
        x.reply->answer(x.done.done);
        break;
    }
  }
}

void store_thread::tell_ends() {
  for (auto& x : written_.ends) {
    if (x.done == outcome::busy) {
      taken_.ends.push_back(std::move(x));
      continue;
    }
    const auto held = x.done == outcome::done;
    store_news news;
    (held ? news.ended : news.lost).push_back(x.what.claim);
    x.who->tell(news);
  }
}

void store_thread::tell_orders() {
  for (auto& x : orders_) {
    if (!x.done)
      continue;
    store_news news;
    news.jobs = std::move(x.done->jobs);
    news.order_done = true;
    news.more = x.done->more;
    if (!x.who->tell(news))
      give_back(x.what.queue, std::move(news.jobs));
  }
  std::erase_if(orders_, [](const auto& x) { return x.done.has_value(); });
}

void store_thread::give_back(const std::string& queue,
                             std::vector<claimed_job> jobs) {
  for (const auto& x : jobs)
    end(std::make_shared<seat>(),
        {.queue = queue,
         .claim = x.claim,
         .what = rules::after(rules::ending::not_begun, x.before, {},
                              timespan::zero(), 0.0)});
}

void store_thread::answer_questions() {
  for (const auto& x : asked_) {
    caf::error error;
    try {
      if (unsure_)
        throw engine_error{trouble_};
      x.f(*engine_);
    } catch (const engine_error& e) {
      engine_->rollback();
      error = caf::make_error(errc::store_failed, e.what());
    }
    x.then(std::move(error));
  }
  if (asked_.empty())
    return;
  asked_.clear();
  // The requests may have made something ready.
  for (auto& [name, view] : queues_)
    view.look = true;
  next_look_ = time_point::min();
}

void store_thread::fail_late_puts() {
  const auto why = trouble_.empty() ? name_ + " is away" : trouble_;
  fail_late(taken_.puts, why);
  fail_late(written_.puts,
            why + "; it is not known whether the job was written");
}

void store_thread::fail_late(std::vector<put_request>& xs,
                             const std::string& why) {
  const auto at = now();
  std::erase_if(xs, [&](auto& x) {
    if (x.deadline > at)
      return false;
    x.reply->answer(caf::make_error(errc::store_failed, why));
    return true;
  });
}

void store_thread::went_wrong(const std::string& why) {
  engine_->rollback();
  if (!unsure_)
    take_back();
  for (auto& [name, view] : queues_)
    view.look = true;
  const auto u = troupe::rules::sample(chance_);
  try_again_
    = deadline_after(now(), troupe::rules::backoff_delay(retry, attempts_, u));
  ++attempts_;
  const auto is_news = attempts_ > quiet_attempts && trouble_ != why;
  {
    std::unique_lock guard{mtx_};
    trouble_ = why;
  }
  if (is_news || attempts_ == quiet_attempts + 1) {
    warn("the store of jobs " + why
         + "; nothing of it is lost, and it is tried again");
    tell_state();
  }
  fail_late_puts();
}

void store_thread::went_well() {
  const auto was_told = attempts_ > quiet_attempts;
  attempts_ = 0;
  if (trouble_.empty())
    return;
  {
    std::unique_lock guard{mtx_};
    trouble_.clear();
  }
  if (!was_told)
    return;
  warn("the store of jobs " + name_ + " works again");
  tell_state();
}

void store_thread::tell_state() {
  std::unique_lock guard{mtx_};
  for (const auto& x : seats_) {
    store_news news;
    news.about_store = true;
    news.trouble = trouble_;
    x->tell(news);
  }
}

void store_thread::give_up() {
  const auto why = trouble_.empty() ? name_ + " has been closed" : trouble_;
  written_.add(taken_);
  for (auto& x : written_.puts)
    x.reply->answer(caf::make_error(
      errc::store_failed,
      unsure_ ? why + "; it is not known whether the job was written" : why));
  written_.puts.clear();
  for (const auto& x : asked_)
    x.then(caf::make_error(errc::store_failed, why));
  asked_.clear();
  if (!written_.ends.empty())
    warn("the store of jobs " + why + "; the ends of "
         + std::to_string(written_.ends.size())
         + " jobs were not written, so these will be handled again");
}

} // namespace troupe::durable
