// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/supervisor_ref.hpp"

#include "supervisor/supervisor_core.hpp"
#include "supervisor/supervisor_worker.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/let_go.hpp"
#include "worker/spawn.hpp"
#include "worker/stop_report.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// The children of the supervisor's present life, or null.
std::shared_ptr<supervisor_core> children_of(const worker_handle& who) {
  auto* core = access::core_of(who);
  return core != nullptr
           ? std::dynamic_pointer_cast<supervisor_core>(family{*core}.group())
           : nullptr;
}

/// The children of its last life, as they were at its final end.
std::vector<tree_status> last_children_of(const worker_handle& who) {
  auto* core = access::core_of(who);
  auto last = core != nullptr && core->finished() ? family{*core}.last_group()
                                                  : nullptr;
  return last ? last->children : std::vector<tree_status>{};
}

/// Why there is nobody whom a call could concern.
caf::error no_children(worker_core& core) {
  const auto at = core.stage();
  if (core.kind() != child_kind::supervisor)
    return caf::make_error(errc::invalid_argument,
                           core.subject() + " is no supervisor");
  if (core.rt().gone())
    return caf::make_error(errc::system_gone,
                           core.subject()
                             + " has no children: its actor system is gone");
  if (at == rules::stage::created && core.owner() == nullptr)
    return waiters{core}.not_started();
  if (core.phase() == worker_phase::backing_off)
    return caf::make_error(errc::busy,
                           core.subject()
                             + " waits for its restart; ask again when it is "
                               "ready");
  if (!rules::is_final(at) && !rules::stop_asked(at))
    return caf::make_error(
      errc::busy,
      core.subject() + " is about to start; ask again when it is ready");
  return caf::make_error(errc::supervisor_stopping,
                         core.subject() + " stops or has ended");
}

/// Has `f` make a call to the supervisor, if it has children at all.
template <class F>
child_call call(const worker_handle& who, F f) {
  auto* core = access::core_of(who);
  if (core == nullptr)
    return access::make<child_call>(std::make_shared<child_call::progress>(
      nullptr, child_result{null_handle(), {}}));
  if (core->rt().forked())
    return access::make<child_call>(std::make_shared<child_call::progress>(
      core->shared_rt(), child_result{error_after_fork(core->subject()), {}}));
  auto children = children_of(who);
  if (!children)
    return access::make<child_call>(std::make_shared<child_call::progress>(
      core->shared_rt(), child_result{no_children(*core), {}}));
  return access::make<child_call>(f(*children));
}

} // namespace

stop_report supervisor_ref::shutdown(timespan deadline) const {
  auto* core = get_core();
  if (core == nullptr)
    return {};
  if (core->would_block())
    throw std::logic_error(core->subject()
                           + ": shutdown() within a deadline would block an "
                             "actor's thread; co_await stopped() instead");
  if (deadline < timespan::zero())
    throw std::invalid_argument(core->subject()
                                + ": the deadline of a shutdown is negative; "
                                  "use zero to force at once");
  if (core->rt().forked())
    throw std::logic_error(text_after_fork(core->subject()));
  auto all = inhabitants(core->rt(), core->path());
  auto& time = core->rt().time();
  auto begin = time.now();
  auto limits = rules::limits_until(begin, deadline_after(begin, deadline));
  auto mode = static_cast<worker_core::queue_at_stop>(core->config().on_stop);
  // On purpose: a supervisor above this one does not start it again.
  if (core->owner() != nullptr)
    core->want_stop(core->config().on_stop);
  if (!core->request_stop(mode, limits))
    return {};
  const auto all_gone = rules::all_gone_by(limits);
  static_cast<void>(waiters{*core}.wait_until_over(time_left(all_gone, begin)));
  auto in_the_way = all;
  std::erase_if(in_the_way, [](const core_ptr& x) {
    return rules::is_final(x->stage()) && !was_forced(*x);
  });
  stop_report result;
  for (auto& x : without_bystanders(in_the_way))
    result.push_back(describe_blocker(*x, time.now()));
  in_the_way.clear();
  // Some did not live when the stop began, and lived once more. (S14)
  if (const auto how = core->last_outcome())
    for (const auto& x : how->blockers())
      if (std::ranges::none_of(result, [&x](const auto& y) {
            return y.path == x.path;
          }))
        result.push_back(x);
  let_go(std::move(all), limits.end, result);
  for (auto& x : result)
    core->rt().log(compat::log_warning, "shutdown: " + to_string(x));
  return result;
}

child_call supervisor_ref::start_child(child_spec spec) const {
  return call(*this, [&spec](supervisor_core& x) {
    return x.start_child(std::move(spec));
  });
}

child_call supervisor_ref::terminate_child(const std::string& name,
                                           caf::error why) const {
  return call(*this, [&name, &why](supervisor_core& x) {
    return x.terminate_child(name, std::move(why));
  });
}

child_call supervisor_ref::start_stopped(const std::string& name) const {
  return call(*this,
              [&name](supervisor_core& x) { return x.start_child(name); });
}

child_call supervisor_ref::restart_child(const std::string& name,
                                         caf::error why) const {
  return call(*this, [&name, &why](supervisor_core& x) {
    return x.restart_child(name, std::move(why));
  });
}

child_call supervisor_ref::delete_child(const std::string& name) const {
  return call(*this,
              [&name](supervisor_core& x) { return x.delete_child(name); });
}

bool supervisor_ref::retry_now(const std::string& name) const {
  auto children = children_of(*this);
  return children && children->retry_now(name);
}

worker_handle supervisor_ref::child(const std::string& name) const {
  auto children = children_of(*this);
  return children ? children->find_child(name) : worker_handle{};
}

worker_handle supervisor_ref::child(const caf::actor& who) const {
  auto children = children_of(*this);
  return children && who
           ? children->find_child(caf::actor_cast<caf::strong_actor_ptr>(who))
           : worker_handle{};
}

std::vector<child_entry> supervisor_ref::which_children() const {
  if (auto children = children_of(*this))
    return children->which_children();
  std::vector<child_entry> result;
  for (const auto& x : last_children_of(*this)) {
    child_entry entry;
    entry.name = x.self.name;
    entry.state = x.self.state;
    entry.phase = x.self.phase;
    entry.kind = x.kind;
    entry.restarts = x.restarts;
    result.push_back(std::move(entry));
  }
  return result;
}

child_totals supervisor_ref::count_children() const {
  if (auto children = children_of(*this))
    return children->count_children();
  child_totals result;
  for (const auto& x : last_children_of(*this)) {
    ++result.specs;
    ++(x.kind == child_kind::supervisor ? result.supervisors : result.workers);
  }
  return result;
}

supervisor_ref spawn(caf::actor_system& sys, supervisor_spec spec) {
  if (auto wrong = check(spec); !wrong.empty())
    throw std::invalid_argument(wrong);
  auto options = options_of(spec);
  auto shared = std::make_shared<const supervisor_spec>(std::move(spec));
  supervisor_ref result{access::make<worker_handle>(make_core(
    sys, std::move(options), typeid(supervisor_worker), role_of_supervisors(),
    std::make_unique<supervisor_worker>(std::move(shared)), nullptr))};
  auto* core = access::core_of(result);
  core->rt().add_root(*core);
  return result;
}

} // namespace troupe
