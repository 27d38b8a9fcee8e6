// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Refuses specs that cannot be meant, before anything starts. (S1)

#include "rules/supervision.hpp"

#include <cmath>
#include <utility>

namespace troupe::rules {

namespace {

std::string complaint(std::string_view kind, std::string_view name,
                      std::string_view what, std::string_view advice) {
  std::string result{kind};
  result += " \"";
  result += name;
  result += "\": ";
  result += what;
  result += "; ";
  result += advice;
  return result;
}

/// Collects the first thing that is wrong with a child.
class child_checker {
public:
  explicit child_checker(std::string_view name) noexcept : name_(name) {
    // nop
  }

  void refuse(bool wrong, std::string_view what, std::string_view advice) {
    if (wrong && result_.empty())
      result_ = complaint("child", name_, what, advice);
  }

  [[nodiscard]] const std::string& result() const noexcept {
    return result_;
  }

private:
  std::string_view name_;
  std::string result_;
};

void check_limit(child_checker& child, const restart_limit& limit) {
  child.refuse(limit.failures < 0, "give_up_after.failures is negative",
               "use 0 for no limit");
  child.refuse(
    limit.failures > 0 && limit.within <= timespan::zero(),
    "give_up_after.within is not positive",
    "say within how long the failures count, or use troupe::infinite "
    "to count them for ever");
}

void check_on_give_up(child_checker& child, const child_rules& rules) {
  child.refuse(rules.on_give_up == on_give_up::leave_stopped
                 && rules.give_up_after.failures == 0,
               "on_give_up is leave_stopped, but the child never gives up: it "
               "has no limit of its own",
               "set give_up_after.failures or leave on_give_up out");
}

void check_backoff(child_checker& child, const restart_backoff& backoff) {
  child.refuse(backoff.initial < timespan::zero(),
               "backoff.initial is negative", "use 0 for no backoff");
  child.refuse(backoff.initial > timespan::zero()
                 && backoff.max < backoff.initial,
               "backoff.max is less than backoff.initial",
               "make it at least as long as the first delay");
  child.refuse(!std::isfinite(backoff.factor) || backoff.factor < 1.0,
               "backoff.factor is not a finite number of at least 1",
               "use 1 for delays that do not grow");
  child.refuse(!(backoff.jitter >= 0.0 && backoff.jitter <= 1.0),
               "backoff.jitter is not between 0 and 1", "use 0 for no jitter");
  child.refuse(backoff.reset_after < timespan::zero(),
               "backoff.reset_after is negative",
               "use 0 to begin anew whenever the child has been ready");
}

void check_significance(child_checker& child, const child_rules& rules,
                        const group_rules& group) {
  child.refuse(rules.significant && rules.restart == restart::permanent
                 && !counts_stops(group.auto_shutdown),
               "significant goes with no permanent child, which never ends for "
               "good by itself",
               "make it transient or temporary, or not significant, or have "
               "stops on purpose count: auto_shutdown any_significant_over");
  child.refuse(rules.significant && group.auto_shutdown == auto_shutdown::never,
               "significant means nothing while the supervisor's auto_shutdown "
               "is never",
               "set auto_shutdown to any_significant or all_significant");
}

} // namespace

std::string check(const group_rules& rules, std::string_view supervisor) {
  auto complain = [&](std::string_view what, std::string_view advice) {
    return complaint("supervisor", supervisor, what, advice);
  };
  if (rules.intensity.max_restarts < 0)
    return complain("intensity.max_restarts is negative",
                    "use 0 to give up instead of the first restart");
  if (rules.intensity.within <= timespan::zero())
    return complain("intensity.within is not positive",
                    "say within how long the restarts count, or use "
                    "troupe::infinite to count them for ever");
  if (rules.max_children != group_rules{}.max_children
      && rules.strategy != strategy::dynamic)
    return complain("max_children means nothing with strategy "
                      + to_string(rules.strategy),
                    "leave it out or use strategy dynamic");
  return {};
}

std::string check_significant(const group_rules& rules,
                              std::string_view supervisor, std::size_t children,
                              std::size_t significant) {
  if (rules.auto_shutdown == auto_shutdown::never || children == 0
      || significant > 0 || rules.strategy == strategy::dynamic)
    return {};
  return complaint("supervisor", supervisor,
                   "auto_shutdown is " + to_string(rules.auto_shutdown)
                     + ", but none of its children is significant",
                   "mark one that is transient or temporary as significant, or "
                   "leave auto_shutdown out");
}

namespace {

/// The first option given that a child of `kind` has no use for; empty if all
/// are of use.
std::pair<std::string_view, std::string_view>
first_useless(child_kind kind, const worker_options& given) {
  const worker_options unset{};
  const auto own = kind == child_kind::actor;
  if (given.queue != unset.queue)
    return {"queue", own ? "its messages wait in its own mailbox; leave it out"
                         : "its children have queues; set it for them"};
  if (given.readiness != unset.readiness)
    return {"readiness",
            own ? "it is ready when its factory has returned; leave it out"
                : "it is ready when its children are; set it for them"};
  if (given.watchdog != unset.watchdog)
    return {"watchdog", own ? "it is not watched; leave it out"
                            : "set it for its children"};
  if (kind != child_kind::supervisor)
    return {};
  if (given.stopping_grace_period)
    return {"stopping_grace_period",
            "set that of its supervisor_spec, or those of its children"};
  if (given.cleanup_period)
    return {"cleanup_period", "set it for its children"};
  if (given.force_period)
    return {"force_period", "set it for its children"};
  return {};
}

} // namespace

std::string check_use(child_kind kind, const worker_options& given,
                      std::string_view child) {
  if (kind == child_kind::worker)
    return {};
  const auto [field, advice] = first_useless(kind, given);
  if (field.empty())
    return {};
  return complaint("child", child,
                   "worker." + std::string{field} + " means nothing for a "
                     + (kind == child_kind::actor ? "plain CAF actor"
                                                  : "supervisor"),
                   advice);
}

std::string check(const child_rules& rules, const group_rules& group,
                  std::string_view child) {
  child_checker checker{child};
  check_limit(checker, rules.give_up_after);
  check_on_give_up(checker, rules);
  check_backoff(checker, rules.backoff);
  check_significance(checker, rules, group);
  return checker.result();
}

} // namespace troupe::rules
