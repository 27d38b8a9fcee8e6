// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/store_thread.hpp"

#include "base/make_thread.hpp"
#include "durable/append.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace troupe::durable {

using namespace detail;

namespace {

using namespace std::chrono_literals;

/// How long the end of a job may be kept until it is written.
constexpr timespan end_delay = 5ms;

/// How often a store for which workers wait is looked at for what other
/// processes have done, and whether they are still there. A look takes some
/// microseconds.
constexpr timespan look_period = 50ms;

/// How often it is looked at for claims that were not renewed.
constexpr timespan lease_look_period = 1s;

/// How long a store that does not work is left alone.
constexpr restart_backoff retry{.initial = 50ms, .max = 5s};

/// So often it is tried before that is called trouble: another process may
/// have kept the lock of SQLite a little too long.
constexpr std::uint32_t quiet_attempts = 1;

time_point now() noexcept {
  return time_point{std::chrono::steady_clock::now()};
}

/// When to look whether it is `x` on the wall clock: by then at the latest, and
/// sooner than `limit` from `at`, since that clock can be set meanwhile.
time_point look_at(wall_time x, wall_time wall, time_point at, timespan limit) {
  if (x <= wall)
    return at;
  const auto most = std::chrono::ceil<std::chrono::microseconds>(limit);
  return x > wall + most ? at + limit : at + std::chrono::nanoseconds{x - wall};
}

} // namespace

store_thread::store_thread(std::shared_ptr<runtime> rt,
                           std::unique_ptr<engine> what,
                           const store_options& how)
  : rt_(std::move(rt)),
    engine_(std::move(what)),
    options_(how),
    name_(engine_->name()),
    thread_(make_thread("a store of durable jobs", [this] { run(); })) {
  view_.emplace(*this);
}

store_thread::~store_thread() {
  view_.reset();
  {
    std::unique_lock guard{mtx_};
    closing_ = true;
    close_by_ = deadline_after(now(), options_.closing_period);
    changed_.notify_all();
  }
  thread_.join();
}

// -- from any thread -------------------------------------------------------------

void store_thread::put(new_job what, timespan within,
                       std::shared_ptr<pending_put> reply) {
  std::unique_lock guard{mtx_};
  incoming_.puts.push_back(
    {std::move(what), deadline_after(now(), within), std::move(reply)});
  write_by_ = time_point::min();
  changed_.notify_all();
}

void store_thread::put_periodically(
  std::shared_ptr<const periodic_entry> what) {
  std::unique_lock guard{mtx_};
  new_periodic_.push_back(std::move(what));
  changed_.notify_all();
}

void store_thread::enter(std::shared_ptr<seat> who) {
  std::unique_lock guard{mtx_};
  if (!trouble_.empty()) {
    store_news news;
    news.about_store = true;
    news.trouble = trouble_;
    who->tell(news);
  }
  seats_.push_back(std::move(who));
}

void store_thread::leave(const std::shared_ptr<seat>& who) {
  std::unique_lock guard{mtx_};
  std::erase(seats_, who);
  std::erase_if(new_orders_, [&](const auto& x) { return x.who == who; });
}

void store_thread::order(std::shared_ptr<seat> who, claim_order what) {
  std::unique_lock guard{mtx_};
  new_orders_.push_back({std::move(who), std::move(what)});
  changed_.notify_all();
}

void store_thread::end(std::shared_ptr<seat> who, job_end what) {
  std::unique_lock guard{mtx_};
  incoming_.ends.push_back({std::move(who), std::move(what)});
  if (write_by_ == never) {
    write_by_ = now() + end_delay;
    changed_.notify_all();
  }
}

void store_thread::renew(std::shared_ptr<seat> who, claim_id what,
                         timespan lease) {
  std::unique_lock guard{mtx_};
  incoming_.renewals.push_back({std::move(who), what, lease});
  write_by_ = time_point::min();
  changed_.notify_all();
}

void store_thread::post(std::function<void(engine&)> f,
                        std::function<void(caf::error)> then) {
  std::unique_lock guard{mtx_};
  incoming_.questions.push_back({std::move(f), std::move(then)});
  write_by_ = time_point::min();
  changed_.notify_all();
}

caf::error store_thread::ask(std::function<void(engine&)> f) {
  std::promise<caf::error> answer;
  auto result = answer.get_future();
  post(std::move(f),
       [&answer](caf::error why) { answer.set_value(std::move(why)); });
  return result.get();
}

store_thread::counts store_thread::own_counts() const {
  std::unique_lock guard{mtx_};
  return counts_;
}

void store_thread::note_failure(const std::string& queue) {
  std::unique_lock guard{mtx_};
  ++counts_.failures[queue];
}

void store_thread::warn(const std::string& text) noexcept {
  rt_->log(compat::log_warning, text);
}

// -- the thread ------------------------------------------------------------------

void store_thread::run() {
  std::unique_lock guard{mtx_};
  while (wait_for_work(guard)) {
    take_in();
    guard.unlock();
    turn();
    guard.lock();
  }
  take_in();
  guard.unlock();
  give_up();
}

bool store_thread::wait_for_work(std::unique_lock<std::mutex>& guard) {
  while (true) {
    const auto at = now();
    if (closing_ && ((taken_.empty() && incoming_.empty()) || at >= close_by_))
      return false;
    const auto begin = work_from(at);
    if (begin <= at)
      return true;
    if (begin == never)
      changed_.wait(guard);
    else
      changed_.wait_until(guard, begin);
  }
}

time_point store_thread::work_from(time_point at) const {
  auto result = never;
  auto by = [&result](time_point x) { result = std::min(result, x); };
  if (attempts_ > 0) {
    by(try_again_);
    // A put has no more time than it has.
    for (const auto* xs : {&incoming_.puts, &taken_.puts})
      for (const auto& x : *xs)
        by(x.deadline);
    for (const auto* xs : {&incoming_.questions, &taken_.questions})
      if (!xs->empty())
        by(at);
    if (closing_)
      by(close_by_);
    return result;
  }
  if (closing_ || !new_orders_.empty() || !new_periodic_.empty()
      || !taken_.empty())
    by(at);
  by(write_by_);
  if (!orders_.empty())
    by(next_look_);
  for (const auto& x : orders_)
    if (const auto view = queues_.find(x.what.queue); view != queues_.end())
      if (const auto& next = view->second.next)
        by(look_at(*next, engine_->wall(), at, 1h));
  if (!periodic_.empty())
    by(look_at(periodic_.due(), engine_->wall(), at, 1min));
  return result;
}

void store_thread::take_in() {
  append(taken_.puts, incoming_.puts);
  append(taken_.ends, incoming_.ends);
  append(taken_.renewals, incoming_.renewals);
  append(taken_.questions, incoming_.questions);
  write_by_ = never;
  // The last order of a worker counts; one of a worker that has left does not.
  for (auto& x : new_orders_) {
    std::erase_if(orders_, [&](const auto& y) { return y.who == x.who; });
    queues_[x.what.queue].look = true;
    orders_.push_back(std::move(x));
  }
  new_orders_.clear();
  for (auto& x : new_periodic_)
    periodic_.add(std::move(x));
  new_periodic_.clear();
  periodic_.tidy();
  std::erase_if(orders_, [&](const auto& x) {
    return std::find(seats_.begin(), seats_.end(), x.who) == seats_.end();
  });
}

void store_thread::turn() {
  if (attempts_ > 0 && now() < try_again_) {
    fail_late_puts();
  } else {
    try {
      look_around();
      if (taken_.has_changes() || (recover_ && !orders_.empty())
          || (!periodic_.empty() && periodic_.due() <= engine_->wall())
          || worth_a_claim()) {
        engine_->begin();
        write();
        engine_->commit();
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
  next_look_ = at + look_period;
  if (engine_->changed_by_others())
    for (auto& [name, view] : queues_)
      view.look = true;
  if (engine_->someone_is_gone())
    recover_ = true;
  if (at >= next_lease_look_) {
    next_lease_look_ = at + lease_look_period;
    if (engine_->lease_is_over())
      recover_ = true;
  }
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
  for (auto& x : taken_.puts)
    write_put(x);
  for (auto& x : taken_.ends) {
    x.held = engine_->end(x.what);
    if (x.held && x.what.what.next == rules::job_state::waiting)
      queues_[x.what.queue].look = true;
    if (x.held && x.what.keep_done > timespan::zero())
      engine_->forget_done();
  }
  for (auto& x : taken_.renewals)
    x.held = engine_->renew(x.what, x.lease);
  recovered_ = recover_ && !orders_.empty() ? engine_->recover() : 0;
  if (recovered_ > 0)
    for (auto& [name, view] : queues_)
      view.look = true;
  claim_all();
}

void store_thread::write_put(put_request& x) {
  try {
    x.done = engine_->put(x.what);
    queues_[x.what.queue].look = true;
  } catch (const refusal& e) {
    x.done = caf::make_error(errc::store_failed, e.what());
  }
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
    }
    if (got.more || !got.jobs.empty())
      x.done = std::move(got);
  }
}

void store_thread::tell_all() {
  periodic_.committed();
  if (!orders_.empty())
    recover_ = false;
  for (auto& x : taken_.puts)
    x.reply->answer(std::move(*x.done));
  for (auto& x : taken_.ends) {
    store_news news;
    (x.held ? news.ended : news.lost).push_back(x.what.claim);
    x.who->tell(news);
  }
  for (auto& x : taken_.renewals) {
    if (x.held)
      continue;
    store_news news;
    news.lost.push_back(x.what);
    x.who->tell(news);
  }
  taken_.puts.clear();
  taken_.ends.clear();
  taken_.renewals.clear();
  if (recovered_ > 0) {
    std::unique_lock guard{mtx_};
    counts_.crashes += recovered_;
  }
  tell_orders();
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
  for (const auto& x : taken_.questions) {
    caf::error error;
    try {
      x.f(*engine_);
    } catch (const engine_error& e) {
      engine_->rollback();
      error = caf::make_error(errc::store_failed, e.what());
    }
    x.then(std::move(error));
  }
  if (taken_.questions.empty())
    return;
  taken_.questions.clear();
  // The requests may have made something ready.
  for (auto& [name, view] : queues_)
    view.look = true;
  next_look_ = time_point::min();
}

void store_thread::fail_late_puts() {
  const auto at = now();
  std::erase_if(taken_.puts, [&](auto& x) {
    if (x.deadline > at)
      return false;
    x.reply->answer(caf::make_error(
      errc::store_failed, trouble_.empty() ? name_ + " is away" : trouble_));
    return true;
  });
}

void store_thread::went_wrong(const std::string& why) {
  engine_->rollback();
  for (auto& x : taken_.puts)
    x.done.reset();
  for (auto& x : orders_)
    x.done.reset();
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
  for (auto& x : taken_.puts)
    x.reply->answer(caf::make_error(errc::store_failed, why));
  taken_.puts.clear();
  if (!taken_.ends.empty())
    warn("the store of jobs " + why + "; the ends of "
         + std::to_string(taken_.ends.size())
         + " jobs were not written, so these will be handled again");
}

} // namespace troupe::durable
