// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/cluster/singleton.hpp"

#include "cluster/candidacy.hpp"
#include "cluster/lease.hpp"
#include "cluster/node_board.hpp"
#include "cluster/node_core.hpp"
#include "rules/deadlines.hpp"
#include "rules/naming.hpp"
#include "rules/settings.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "troupe/outcome.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace troupe::cluster {

using namespace detail;

// -- candidacy -------------------------------------------------------------------

candidacy::~candidacy() {
  leave();
}

void candidacy::enter(std::string path) {
  path_ = std::move(path);
  if (auto wrong = node_->enter(*this); !wrong.empty())
    throw std::runtime_error(wrong);
  entered_ = true;
}

candidacy::news candidacy::take() {
  changed_.clear();
  return node_->take(*this);
}

void candidacy::worker_over() {
  if (entered_)
    node_->worker_over(*this);
}

void candidacy::worker_hangs() {
  if (entered_)
    node_->worker_hangs(*this);
}

void candidacy::leave() noexcept {
  if (std::exchange(entered_, false))
    node_->leave(*this);
}

status_fields candidacy::describe() const {
  return entered_ ? node_->describe(*this) : status_fields{};
}

// -- the times -------------------------------------------------------------------

namespace {

std::string text_of_time(timespan x) {
  return x == infinite ? std::string{"for ever"} : caf::deep_to_string(x);
}

/// The longest time that a worker takes from its stop to its end, abandoned
/// workers included: each of the force, the clean-up and the last hook may take
/// a force period beyond its own time.
timespan longest_end(const troupe::rules::periods& x) {
  const auto force = std::max(x.force, troupe::rules::least_to_go);
  if (x.grace > std::chrono::hours{24} || x.cleanup > std::chrono::hours{24}
      || force > std::chrono::hours{24})
    return infinite;
  return x.grace + x.cleanup + 3 * force;
}

} // namespace

std::string check_singleton(const std::string& name,
                            const singleton_options& how) {
  if (how.child.worker.on_failure == on_failure::ignore)
    return "singleton \"" + name
           + "\": on_failure is ignore, but the failure of its worker is that "
             "of the child that stands for it; leave it out";
  return {};
}

std::shared_ptr<candidacy> find_candidacy(caf::actor_system& sys,
                                          const std::string& name,
                                          const singleton_options& how) {
  const auto subject = "singleton \"" + name + "\": ";
  std::shared_ptr<node_core> node;
  try {
    node = node_board::of(sys)->find(how.node);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(subject + e.what());
  }
  const auto& directory = *node->options().directory;
  const auto ttl = directory.ttl();
  if (ttl == timespan::zero())
    throw std::invalid_argument(
      subject + "the directory of node \"" + node->options().name + "\" is "
      + directory.name()
      + ", which has no leases, so nobody can be the only one; give the node "
        "a directory that has, such as etcd");
  auto options = how.child.worker;
  options.name = name;
  auto periods = troupe::rules::merge(options, node->rt().settings());
  const auto room = rules::longest_stop(ttl);
  const auto is_given = options.stopping_grace_period.has_value();
  if (!is_given) {
    periods.grace = timespan::zero();
    const auto rest = room - longest_end(periods);
    periods.grace = std::clamp(rest, timespan::zero(),
                               node->rt().settings().stopping_grace_period);
    options.stopping_grace_period = periods.grace;
  }
  const auto stop = longest_end(periods);
  if (stop > room) {
    const auto needed = rules::ttl_for(stop);
    throw std::invalid_argument(
      subject + "its worker may take " + text_of_time(stop)
      + " to stop (stopping_grace_period, cleanup_period and three times "
        "force_period), and a lease of "
      + text_of_time(ttl) + " leaves it " + text_of_time(room) + "; "
      + (needed == infinite
           ? std::string{}
           : "use a ttl of " + text_of_time(needed) + " or more, or ")
      + "shorten one of them");
  }
  return std::make_shared<candidacy>(std::move(node), name, how.on_overrun,
                                     std::move(options), stop);
}

// -- the worker ------------------------------------------------------------------

token singleton_worker::token() const noexcept {
  return grant_ ? grant_->token() : cluster::token{};
}

void singleton_worker::run_under(std::shared_ptr<grant> what) {
  grant_ = std::move(what);
}

void singleton_worker::begin_under_grant() {
  auto& core = get_core();
  core.add_handle();
  if (!grant_->attach(detail::access::make<worker_handle>(&core)))
    throw std::runtime_error("its grant was over before it began");
}

// -- the child that stands for it ------------------------------------------------

basic_singleton::basic_singleton(std::shared_ptr<candidacy> known)
  : candidacy_(std::move(known)) {
  // nop
}

basic_singleton::~basic_singleton() {
  end_of_worker();
  candidacy_->leave();
}

status_fields basic_singleton::describe() {
  return candidacy_->describe();
}

task<> basic_singleton::run() {
  candidacy_->enter(path());
  while (!is_stopping()) {
    auto news = candidacy_->take();
    if (news.trouble.empty())
      healthy();
    else
      degraded(news.trouble);
    if (!news.start) {
      auto either = when_any(candidacy_->changed(), stop_requested());
      co_await std::move(either);
      continue;
    }
    under_ = std::move(news.start);
    start_error_ = {};
    auto starting = when_any(start_worker(candidacy_->options(), under_),
                             stop_requested());
    co_await std::move(starting);
    if (is_stopping())
      break;
    if (!start_error_) {
      auto running = when_any(under_->worker().stopped(), stop_requested());
      co_await std::move(running);
      if (is_stopping())
        break;
    }
    const auto told = under_->is_over();
    const auto how = under_->worker().outcome();
    end_of_worker();
    if (how && how->kind() == outcome_kind::failed && !start_error_)
      how->rethrow();
    if (told || (how && how->abandoned()))
      continue;
    if (start_error_)
      throw std::runtime_error(text_of(start_error_));
    break; // by itself
  }
}

task<> basic_singleton::on_shutdown() {
  // Its worker has been joined.
  end_of_worker();
  candidacy_->leave();
  co_return;
}

void basic_singleton::end_of_worker() {
  const auto under = std::exchange(under_, nullptr);
  if (!under)
    return;
  // From now on none begins under it.
  under->stop("the child that stands for it ends");
  const auto who = under->worker();
  const auto how = who.outcome();
  under->forget();
  if (who && (!how || how->abandoned()))
    candidacy_->worker_hangs();
  else
    candidacy_->worker_over();
}

worker_options singleton_factory::run_as(worker_options given) const {
  // The times are those of its worker, which it waits for.
  return {.name = std::move(given.name), .stopping_grace_period = infinite};
}

} // namespace troupe::cluster
