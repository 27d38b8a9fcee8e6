// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/life.hpp"

#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <utility>

namespace troupe::detail {

namespace {

outcome_kind kind_of(rules::verdict x) noexcept {
  switch (x) {
    case rules::verdict::open:
    case rules::verdict::normal:
      return outcome_kind::normal;
    case rules::verdict::forced:
      return outcome_kind::forced;
    case rules::verdict::failed:
      return outcome_kind::failed;
    case rules::verdict::cancelled:
      return outcome_kind::cancelled;
  }
  return outcome_kind::normal;
}

} // namespace

std::string render(timespan x) {
  if (x == infinite)
    return "infinite";
  return caf::deep_to_string(x);
}

bool life::is_forced() const noexcept {
  const auto at = machine.at();
  return rules::is_final(at) || rules::is_frozen(at)
         || (end().force_asked && !in_cleanup);
}

bool life::goes_well() const noexcept {
  const auto so_far = machine.verdict();
  return so_far == rules::verdict::open || so_far == rules::verdict::normal;
}

bool life::ended_smoothly() const noexcept {
  return end().is_known && end().how.ok() && end().how.blockers().empty();
}

time_point life::cleanup_deadline(time_point now,
                                  const rules::periods& periods) const {
  return std::min(end().limits.cleanup,
                  rules::cleanup_deadline(now, end().stop_asked_at != never,
                                          end().grace_over, periods));
}

/// The words of an outcome about a force: its cause.
[[gnu::cold]] std::string life::why_forced(const rules::periods& periods,
                                           bool is_supervisor) const {
  if (end().force_asked)
    return ", as was asked for";
  if (in_cleanup)
    return ", its on_shutdown() having taken longer than its time";
  if (end().grace_over == grace_limit(is_supervisor)
      && end().grace_over != never)
    return ", its time to stop being over";
  return ", its grace period of " + render(periods.grace) + " being over";
}

[[gnu::cold]] caf::error life::why_abandoned(const worker_core& of) const {
  return caf::make_error(
    errc::abandoned,
    of.subject()
      + (end().hung_for != timespan::zero()
           ? " was abandoned: it sits in code that has not returned for "
               + render(end().hung_for) + ", longer than its watchdog allows"
           : " was abandoned: it sits in code that did not return within "
               + render(of.rt().time().now()
                        - (end().before ? started_at + end().how.duration()
                                        : end().forced_since))
               + (end().before ? " of its end" : " of being forced")));
}

void life::note_outcome(rules::action todo, failure& why, const worker_core& of,
                        bool is_supervisor) {
  using enum rules::action;
  auto has = [todo](rules::action x) { return rules::has(todo, x); };
  auto note = [this](failure x) {
    auto& how = make_end().how;
    if (!how.reason_) {
      how.reason_ = std::move(x.reason);
      how.thrown_ = std::move(x.thrown);
    } else if (!how.cleanup_error_) {
      how.cleanup_error_ = std::move(x.reason);
    }
  };
  if (has(note_failed)) {
    if (!why.reason)
      why.reason = caf::make_error(
        errc::ended_before_ready,
        of.subject() + " failed to start: run() ended without calling ready()");
    note(std::move(why));
  } else if (has(note_cancelled)) {
    // That the frame is gone only confirms what the kill has noted before.
    if (!why.reason && !end().how.reason_)
      why.reason = caf::make_error(errc::cancelled,
                                   of.subject() + " was ended from outside");
    if (why.reason)
      note(std::move(why));
  } else if (has(abandon)) {
    if (end().is_known) {
      auto before = std::move(known_end);
      known_end = std::make_unique<end_record>(*before);
      known_end->before = std::move(before);
    }
    if (machine.verdict() == rules::verdict::forced)
      make_end().how.reason_ = why_abandoned(of);
    else
      note({why_abandoned(of), nullptr});
  } else if (has(note_forced) && end().how.reason_ != errc::forced) {
    note({caf::make_error(errc::forced,
                          of.subject() + " was stopped by force"
                            + why_forced(of.config().periods, is_supervisor)),
          nullptr});
  }
  if (!has(finish) && !has(abandon))
    return;
  auto& how = make_end().how;
  how.kind_ = kind_of(machine.verdict());
  how.abandoned_ = has(abandon);
  how.incarnation_ = of.incarnation();
  if (started_at != never)
    how.duration_ = of.rt().time().now() - started_at;
  make_end().is_known = true;
}

} // namespace troupe::detail
