// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/store_thread.hpp"

#include "base/make_thread.hpp"
#include "durable/append.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace troupe::durable {

using namespace detail;

namespace {

using namespace std::chrono_literals;

/// How long the end of a job may be kept until it is written.
constexpr timespan end_delay = 5ms;

/// When to look whether it is `x` on the wall clock: by then at the latest, and
/// sooner than `limit` from `at`, since that clock can be set meanwhile.
time_point look_at(wall_time x, wall_time wall, time_point at, timespan limit) {
  if (x <= wall)
    return at;
  const auto most = std::chrono::ceil<std::chrono::microseconds>(limit);
  return x > wall + most ? at + limit : at + std::chrono::nanoseconds{x - wall};
}

} // namespace

void store_thread::batch::add(batch& from) {
  append(puts, from.puts);
  append(ends, from.ends);
  append(renewals, from.renewals);
}

store_thread::store_thread(std::shared_ptr<runtime> rt,
                           std::unique_ptr<durable::engine> what,
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
    changed_.notify();
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
  changed_.notify();
}

void store_thread::put_periodically(
  std::shared_ptr<const periodic_entry> what) {
  std::unique_lock guard{mtx_};
  new_periodic_.push_back(std::move(what));
  changed_.notify();
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
  changed_.notify();
}

void store_thread::end(std::shared_ptr<seat> who, job_end what) {
  std::unique_lock guard{mtx_};
  incoming_.ends.push_back({std::move(who), std::move(what)});
  if (write_by_ == never) {
    write_by_ = now() + end_delay;
    changed_.notify();
  }
}

void store_thread::renew(std::shared_ptr<seat> who, claim_id what,
                         timespan lease) {
  std::unique_lock guard{mtx_};
  incoming_.renewals.push_back({std::move(who), {what, lease}});
  write_by_ = time_point::min();
  changed_.notify();
}

void store_thread::post(std::function<void(durable::engine&)> f,
                        std::function<void(caf::error)> then) {
  std::unique_lock guard{mtx_};
  questions_.push_back({std::move(f), std::move(then)});
  changed_.notify();
}

caf::error store_thread::ask(std::function<void(durable::engine&)> f) {
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
    const auto all_written = taken_.empty() && incoming_.empty()
                             && written_.empty() && questions_.empty();
    if (closing_ && (all_written || at >= close_by_))
      return false;
    const auto begin = work_from(at);
    if (begin <= at)
      return true;
    // News are for those who wait for jobs, and nobody else reads them.
    const auto listens = attempts_ == 0 && !orders_.empty();
    if ((listens && engine_->has_news())
        || changed_.wait_until(guard, begin,
                               listens ? engine_->news_file() : -1)) {
      next_look_ = time_point::min();
      return true;
    }
  }
}

/// The wall clock of a test moves without a word to this thread.
timespan store_thread::longest_wait(timespan limit) const noexcept {
  return rt_->has_virtual_time() ? 50ms : limit;
}

time_point store_thread::work_from(time_point at) const {
  auto result = never;
  auto by = [&result](time_point x) { result = std::min(result, x); };
  if (attempts_ > 0) {
    by(try_again_);
    // A put has no more time than it has.
    for (const auto* xs : {&incoming_.puts, &taken_.puts, &written_.puts})
      for (const auto& x : *xs)
        by(x.deadline);
    if (!questions_.empty())
      by(at);
    if (closing_)
      by(close_by_);
    return result;
  }
  if (!new_orders_.empty() || !new_periodic_.empty() || !questions_.empty())
    by(at);
  if (!taken_.empty())
    by(busy_until_);
  for (const auto& x : taken_.puts)
    by(x.deadline);
  by(closing_ && !incoming_.empty() ? at : write_by_);
  if (closing_)
    by(close_by_);
  if (!orders_.empty())
    by(next_look_);
  for (const auto& x : orders_)
    if (const auto view = queues_.find(x.what.queue); view != queues_.end())
      if (const auto& next = view->second.next)
        by(look_at(*next, engine_->wall(), at, longest_wait(1h)));
  if (!periodic_.empty())
    by(look_at(periodic_.due(), engine_->wall(), at, longest_wait(1min)));
  return result;
}

void store_thread::take_in() {
  taken_.add(incoming_);
  append(asked_, questions_);
  write_by_ = never;
  if (unsure_)
    return; // the orders belong to the last batch
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

} // namespace troupe::durable
