// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Tells others of a worker's life: its events, and the log.

#include "worker/news.hpp"

#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <string>
#include <utility>

namespace troupe::detail {

namespace {

/// How others get to know of the end of a life.
event_kind kind_of_end(const outcome& how) {
  if (how.abandoned())
    return event_kind::abandoned;
  switch (how.kind()) {
    case outcome_kind::normal:
      return event_kind::stopped;
    case outcome_kind::forced:
      return event_kind::forced;
    case outcome_kind::failed:
      return event_kind::failed;
    case outcome_kind::cancelled:
      return event_kind::cancelled;
  }
  return event_kind::stopped;
}

void publish_ready(worker_core& of, const life& x) {
  of.publish(event_kind::ready, {}, of.rt().time().now() - x.started_at);
}

void publish_end(worker_core& of, const life& x) {
  const auto& how = x.end().how;
  of.publish(kind_of_end(how), how.reason(), how.duration());
}

} // namespace

void worker_core::publish(event_kind what, caf::error reason, timespan span) {
  rt().events().publish(
    {what, path(), incarnation(), rt().time().now(), std::move(reason), span});
}

/// Publishes a change of the stage.
void worker_core::publish_transition(const held& lock, rules::stage from) {
  auto to = life_.machine.at();
  if (from == to)
    return;
  tell(lock);
  if (to == rules::stage::starting) {
    publish(incarnation() == 1 ? event_kind::started : event_kind::restarted);
    return;
  }
  if (to == rules::stage::ready) {
    if (owner() != nullptr)
      life_.untold = news::ready;
    else
      publish_ready(*this, life_);
  }
  if (rules::is_final(to)) {
    // An abandoned worker that has come back keeps its outcome.
    if (rules::is_final(from))
      return;
    if (owner() != nullptr)
      life_.untold = news::end;
    else
      publish_end(*this, life_);
    return;
  }
  auto graceful = to == rules::stage::starting_stop
                  || to == rules::stage::draining
                  || to == rules::stage::closing_stop;
  if (graceful && !rules::stop_asked(from))
    publish(event_kind::stopping, life_.end().why_stopped);
}

void worker_core::tell() {
  held guard{mtx_};
  tell(guard);
}

/// Publishes the event that was held back, if there is one. Each later event
/// of the worker calls this first, so that its events keep their order.
void worker_core::tell(const held& lock) {
  const auto what = std::exchange(life_.untold, news::none);
  if (what == news::ready)
    waiters{*this}.announce(lock, lifecycle_awaiter::what::ready);
  if (what == news::none || !rt().events().wanted())
    return;
  if (what == news::ready)
    publish_ready(*this, life_);
  else
    publish_end(*this, life_);
}

namespace {

[[gnu::cold]] void write_transition(const worker_core& of, rules::stage from,
                                    rules::stage to, const caf::error* why) {
  auto before = rules::state_of(from);
  auto after = rules::state_of(to);
  auto became_ready = to == rules::stage::ready && from != to;
  if (before == after && !became_ready)
    return;
  // An unstarted worker comes and goes without a word.
  if (before == worker_state::init && is_final(after))
    return;
  auto level = compat::log_info;
  auto is_end = is_final(after);
  auto how = is_end ? of.last_outcome() : std::nullopt;
  if (how) {
    if (how->kind() == outcome_kind::forced)
      level = compat::log_warning;
    else if (how->kind() != outcome_kind::normal)
      level = compat::log_error;
  }
  if (!of.rt().logs(level))
    return;
  auto text = of.path() + " [" + std::to_string(of.incarnation()) + "] "
              + (became_ready ? std::string{"ready"} : to_string(after));
  if (how)
    text += " after " + render(how->duration()) + ": " + to_string(*how);
  else if (why != nullptr && *why)
    text += ": " + text_of(*why);
  of.rt().log(level, text);
}

} // namespace

void log_transition(const worker_core& of, rules::stage from, rules::stage to,
                    const caf::error* why) {
  if (of.rt().logs(compat::log_error))
    write_transition(of, from, to, why);
}

} // namespace troupe::detail
