// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/store.hpp"

#include "durable/open_engine.hpp"
#include "durable/pending_put.hpp"
#include "durable/periodic_jobs.hpp"
#include "durable/store_thread.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"
#include "worker/worker_core.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace troupe::durable {

using namespace detail;

namespace {

caf::error nowhere() {
  return caf::make_error(errc::invalid_argument,
                         "this queue or store belongs to no database; get it "
                         "from troupe::durable::open");
}

/// Why the calling thread must not wait, or nothing.
caf::error why_not_wait(const store_thread& where) {
  if (worker_core::current() != nullptr || where.rt().would_block())
    return caf::make_error(errc::would_block,
                           "waiting for a store would block an actor's "
                           "thread; in a worker, use async_put, or offload "
                           "the call");
  return {};
}

/// Why the job cannot be written, or nothing.
caf::error why_not_put(const store_thread& where, const std::string& payload,
                       const put_options& how) {
  if (auto wrong = rules::check(how); !wrong.empty())
    return caf::make_error(errc::invalid_argument, std::move(wrong));
  if (const auto limit = where.options().max_payload; payload.size() > limit)
    return caf::make_error(
      errc::invalid_argument,
      "the payload has " + std::to_string(payload.size()) + " bytes, and "
        + where.name() + " takes " + std::to_string(limit)
        + " at most; keep large data elsewhere, and put its name into the job");
  return {};
}

new_job make_job(const std::string& queue, std::string type,
                 std::string payload, put_options& how) {
  return {.queue = queue,
          .type = std::move(type),
          .payload = std::move(payload),
          .run_at = how.run_at,
          .priority = how.priority,
          .unique = std::move(how.unique)};
}

/// Asks a store something, and waits.
caf::error ask(const std::shared_ptr<store_thread>& where,
               const std::function<void(engine&)>& f) {
  if (!where)
    return nowhere();
  if (auto why = why_not_wait(*where))
    return why;
  return where->ask(f);
}

/// Has a store change something, and waits.
caf::error change(const std::shared_ptr<store_thread>& where,
                  const std::function<void(engine&)>& f) {
  return ask(where, [&f](engine& x) {
    x.begin();
    f(x);
    x.commit();
  });
}

caf::error no_such_job(job_id id, const char* where) {
  return caf::make_error(errc::not_found,
                         "no job " + std::to_string(id) + " " + where);
}

} // namespace

// -- times ----------------------------------------------------------------------

wall_time wall_now() noexcept {
  return read_wall_clock();
}

wall_time in(timespan delay) noexcept {
  // A timespan is at most 292 years, and both ends are far away.
  return wall_now() + std::chrono::ceil<std::chrono::microseconds>(delay);
}

// -- queue_base -------------------------------------------------------------------

queue_base::queue_base(std::shared_ptr<store_thread> where, std::string name)
  : where_(std::move(where)), name_(std::move(name)) {
  if (!where_)
    throw std::invalid_argument{text_of(nowhere())};
  if (auto wrong = rules::check_queue_name(name_); !wrong.empty())
    throw std::invalid_argument{wrong};
}

caf::expected<queue_totals> queue_base::count() const {
  return store{where_}.count(name_);
}

caf::expected<receipt> queue_base::put_payload(std::string type,
                                               std::string payload,
                                               put_options how) const {
  if (!where_)
    return nowhere();
  if (auto why = why_not_wait(*where_))
    return why;
  if (auto why = why_not_put(*where_, payload, how))
    return why;
  auto what = make_job(name_, std::move(type), std::move(payload), how);
  auto call = std::make_shared<pending_put>();
  where_->put(std::move(what), how.within, call);
  return call->take();
}

caf::expected<receipt>
queue_base::put_payload(const transaction& within, std::string type,
                        std::string payload, put_options how) const {
  if (!where_)
    return nowhere();
  if (auto why = why_not_put(*where_, payload, how))
    return why;
  auto what = make_job(name_, std::move(type), std::move(payload), how);
  try {
    return where_->engine().put_in(within, what);
  } catch (const std::invalid_argument& e) {
    return caf::make_error(errc::invalid_argument, e.what());
  } catch (const engine_error& e) {
    return caf::make_error(errc::store_failed, e.what());
  }
}

put_awaitable queue_base::async_put_payload(std::string type,
                                            std::string payload,
                                            put_options how) const {
  auto call = std::make_shared<pending_put>();
  if (!where_) {
    call->answer(nowhere());
    return put_awaitable{std::move(call)};
  }
  if (auto why = why_not_put(*where_, payload, how)) {
    call->answer(std::move(why));
  } else {
    auto what = make_job(name_, std::move(type), std::move(payload), how);
    where_->put(std::move(what), how.within, call);
  }
  return put_awaitable{std::move(call)};
}

caf::error queue_base::not_written(const payload_error& why) {
  return caf::make_error(errc::invalid_argument, why.what());
}

put_awaitable queue_base::failed_put(const payload_error& why) {
  auto call = std::make_shared<pending_put>();
  call->answer(not_written(why));
  return put_awaitable{std::move(call)};
}

// -- store ----------------------------------------------------------------------

caf::expected<queue_totals> store::count(const std::string& queue) const {
  queue_totals result;
  if (auto why = ask(where_, [&](engine& x) { result = x.count(queue); }))
    return why;
  return result;
}

caf::expected<std::vector<job_record>>
store::list(const job_filter& which) const {
  std::vector<job_record> result;
  if (auto why = ask(where_, [&](engine& x) { result = x.list(which); }))
    return why;
  return result;
}

caf::error store::requeue(job_id id) const {
  auto found = false;
  if (auto why = change(where_, [&](engine& x) { found = x.requeue(id); }))
    return why;
  return found ? caf::error{} : no_such_job(id, "is buried");
}

caf::error store::purge(job_id id) const {
  auto found = false;
  if (auto why = change(where_, [&](engine& x) { found = x.purge(id); }))
    return why;
  return found ? caf::error{} : no_such_job(id, "waits or is buried");
}

// -- periodic jobs ----------------------------------------------------------------

periodic_job::periodic_job(std::shared_ptr<store_thread> where,
                           std::shared_ptr<periodic_entry> what) noexcept
  : where_(std::move(where)), what_(std::move(what)) {
  // nop
}

periodic_job& periodic_job::operator=(periodic_job&& other) noexcept {
  std::swap(where_, other.where_);
  std::swap(what_, other.what_);
  return *this;
}

periodic_job::~periodic_job() {
  if (what_)
    what_->over = true;
}

periodic_job put_periodically(const queue_base& to, std::string name,
                              const schedule& when, std::string type,
                              std::string payload,
                              const periodic_options& how) {
  const auto& where = to.where();
  if (!where)
    throw std::invalid_argument{text_of(nowhere())};
  for (const auto& wrong :
       {rules::check_periodic_name(name), rules::check(how)})
    if (!wrong.empty())
      throw std::invalid_argument{"a periodic job of queue \"" + to.name()
                                  + "\": " + wrong};
  if (auto why = why_not_put(*where, payload, {}))
    throw std::invalid_argument{"the periodic job \"" + name + "\" of queue \""
                                + to.name() + "\": " + text_of(why)};
  auto what = std::make_shared<periodic_entry>(to.name(), std::move(name), when,
                                               std::move(type),
                                               std::move(payload), how);
  where->put_periodically(what);
  return {where, std::move(what)};
}

store open(caf::actor_system& sys, const std::string& where,
           const store_options& how) {
  if (auto wrong = rules::check(how); !wrong.empty())
    throw std::invalid_argument{wrong};
  try {
    auto rt = runtime::of(sys);
    auto what = open_engine(where, how.durability, if_missing::make,
                            {.wall = [rt] { return rt->time().wall_now(); }});
    return store{
      std::make_shared<store_thread>(std::move(rt), std::move(what), how)};
  } catch (const engine_error& e) {
    throw store_error{std::string{"cannot open the store of jobs "} + e.what()};
  }
}

} // namespace troupe::durable
