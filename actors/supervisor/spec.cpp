// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Specs: what is wrong with them, and what a supervisor does with them.

#include "rules/naming.hpp"
#include "rules/settings.hpp"
#include "rules/supervision.hpp"
#include "supervisor/spec_check.hpp"
#include "supervisor/supervisor_worker.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe {

using namespace detail;

rules::group_rules detail::group_rules_of(const supervisor_spec& x) {
  rules::group_rules result;
  result.strategy = x.strategy;
  result.intensity = x.intensity;
  result.auto_shutdown = x.auto_shutdown;
  result.concurrent = x.concurrent;
  result.max_children = x.max_children;
  return result;
}

rules::child_rules detail::child_rules_of(const child_options& x) {
  return {x.restart, x.backoff, x.give_up_after, x.on_give_up, x.significant};
}

namespace {

/// Makes supervisors.
class supervisor_factory final : public child_factory {
public:
  explicit supervisor_factory(supervisor_spec spec)
    : spec_(std::make_shared<const supervisor_spec>(std::move(spec))) {
    // nop
  }

  [[nodiscard]] std::unique_ptr<worker>
  make(caf::actor_system&) const override {
    return std::make_unique<supervisor_worker>(spec_);
  }

  [[nodiscard]] std::shared_ptr<message_queue> make_queue() const override {
    return nullptr;
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(supervisor_worker);
  }

  [[nodiscard]] const worker_role& role() const noexcept override {
    return role_of_supervisors();
  }

  [[nodiscard]] worker_options run_as(worker_options given) const override {
    auto result = options_of(*spec_);
    result.start_timeout = given.start_timeout;
    return result;
  }

  [[nodiscard]] std::string check() const override {
    return troupe::check(*spec_);
  }

private:
  std::shared_ptr<const supervisor_spec> spec_;
};

std::string in_supervisor(const supervisor_spec& group, std::string text) {
  return "supervisor \"" + group.name + "\": " + std::move(text);
}

} // namespace

std::string detail::check_child(const supervisor_spec& group,
                                const child_spec& x) {
  if (auto wrong = rules::check_name("child", x.name); !wrong.empty())
    return in_supervisor(group, std::move(wrong));
  if (!x.factory)
    return in_supervisor(group, "child \"" + x.name
                                  + "\" has nothing to be made of; use "
                                    "troupe::child or one of its kin");
  if (!x.options.worker.name.empty() && x.options.worker.name != x.name)
    return in_supervisor(group, "child \"" + x.name
                                  + "\" has another name in its worker "
                                    "options; leave that one out");
  if (auto wrong = rules::check(child_rules_of(x.options),
                                group_rules_of(group), x.name);
      !wrong.empty())
    return in_supervisor(group, std::move(wrong));
  if (auto wrong = rules::check_use(x.factory->kind(), x.options.worker,
                                    x.name);
      !wrong.empty())
    return in_supervisor(group, std::move(wrong));
  auto options = x.options.worker;
  options.name = x.name;
  if (auto wrong = rules::check(options, x.name); !wrong.empty())
    return in_supervisor(group, std::move(wrong));
  if (auto wrong = x.factory->check(); !wrong.empty())
    return x.factory->kind() == child_kind::worker
             ? in_supervisor(group, "child \"" + x.name + "\": " + wrong)
             : wrong;
  return {};
}

std::string check(const supervisor_spec& x) {
  if (auto wrong = rules::check_name("supervisor", x.name); !wrong.empty())
    return wrong;
  if (x.stopping_grace_period.value_or(timespan{0}) < timespan::zero())
    return in_supervisor(x, "stopping_grace_period is negative; use zero to "
                            "force at once or leave it out");
  if (auto wrong = rules::check(group_rules_of(x), x.name); !wrong.empty())
    return wrong;
  std::set<std::string_view> names;
  for (auto& child : x.children) {
    if (auto wrong = check_child(x, child); !wrong.empty())
      return wrong;
    if (!names.insert(child.name).second)
      return in_supervisor(x, "two children are called \"" + child.name
                                + "\"; names must be unique among siblings");
  }
  const auto significant = std::count_if(x.children.begin(), x.children.end(),
                                         [](const child_spec& child) {
                                           return child.options.significant;
                                         });
  return rules::check_significant(group_rules_of(x), x.name, x.children.size(),
                                  static_cast<std::size_t>(significant));
}

worker_options detail::options_of(const supervisor_spec& x) {
  worker_options result;
  result.name = x.name;
  result.stopping_grace_period = x.stopping_grace_period.value_or(infinite);
  result.readiness = readiness::explicit_serving;
  return result;
}

child_spec child(supervisor_spec inner, child_options options) {
  auto name = inner.name;
  return {std::move(name), std::move(options),
          std::make_shared<supervisor_factory>(std::move(inner))};
}

child_name<supervisor_ref> supervisor_spec::add(supervisor_spec inner,
                                                child_options options) {
  return append<supervisor_ref>(
    troupe::child(std::move(inner), std::move(options)));
}

} // namespace troupe
