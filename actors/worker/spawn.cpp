// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/spawn.hpp"

#include "base/memory_ahead.hpp"
#include "rules/naming.hpp"
#include "rules/supervision.hpp"
#include "system/caf_compat.hpp"
#include "worker/family.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"
#include "worker/worker_role.hpp"

#include <caf/actor_system.hpp>
#include <caf/spawn_options.hpp>

#include <cstdlib>
#include <cxxabi.h>
#include <stdexcept>

namespace troupe {

using namespace detail;

std::string detail::class_name(const std::type_info& type) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name{
    abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free};
  return status == 0 && name ? std::string{name.get()} : std::string{"worker"};
}

namespace {

run_config config_of(const worker_options& options, std::shared_ptr<runtime> rt,
                     const std::type_info& type, const worker_role& role) {
  auto periods = rules::merge(options, rt->settings());
  return {.rt = std::move(rt),
          .periods = periods,
          .readiness = options.readiness,
          .on_stop = options.queue.on_stop,
          .on_failure = options.on_failure,
          .on_hang = options.on_hang,
          .watchdog = options.watchdog,
          .type = &type,
          .role = &role};
}

void give_actor(caf::actor_system& sys, worker_core& who) {
  const compat::no_trace guard;
  // Hidden and lazy: in `init` it neither runs nor keeps the system waiting.
  constexpr auto how = caf::hidden + caf::lazy_init;
  caf::actor hdl = sys.spawn<worker_actor, how>(who);
  who.link().attach(
    *static_cast<worker_actor*>(caf::actor_cast<caf::abstract_actor*>(hdl)));
}

} // namespace

worker_core*
detail::make_core(caf::actor_system& sys, worker_options options,
                  const std::type_info& type, const worker_role& role,
                  std::unique_ptr<worker> what, worker_core* parent) {
  auto name = options.name.empty() ? rules::snake_case(class_name(type))
                                   : options.name;
  if (auto wrong = rules::check(options, name); !wrong.empty())
    throw std::invalid_argument(wrong);
  auto rt = runtime::of(sys);
  auto path = rules::child_path(parent != nullptr
                                  ? std::string_view{parent->path()}
                                  : std::string_view{},
                                name);
  auto result
    = std::make_unique<worker_core>(std::move(path),
                                    share_config(rt, options, type, role),
                                    std::move(what), parent);
  if (auto* queue = result->queue())
    queue->attach(*result, options.queue);
  give_actor(sys, *result);
  if (parent != nullptr)
    family{*parent}.add(*result);
  return result.release();
}

std::shared_ptr<const run_config>
detail::share_config(const std::shared_ptr<runtime>& rt,
                     const worker_options& options, const std::type_info& type,
                     const worker_role& role) {
  return rt->share(config_of(options, rt, type, role));
}

worker_core* detail::make_child_core(std::string path,
                                     std::shared_ptr<const run_config> config,
                                     std::shared_ptr<message_queue> queue,
                                     const queue_options& how,
                                     std::shared_ptr<life_owner> by) {
  // The actor is most of it; the core has a path, and is in some lists.
  memory_ahead(sizeof(worker_actor) + sizeof(worker_core) + 512);
  auto& sys = config->rt->system();
  auto result = std::make_unique<worker_core>(std::move(path),
                                              std::move(config),
                                              std::move(queue), std::move(by),
                                              rules::no_child);
  if (auto* waiting = result->queue())
    waiting->attach(*result, how);
  give_actor(sys, *result);
  return result.release();
}

worker_core* detail::make_next_core(const worker_core& former,
                                    std::shared_ptr<life_owner> by) {
  auto result = std::make_unique<worker_core>(former.path(),
                                              former.shared_config(),
                                              former.shared_queue(),
                                              std::move(by), former.child_id());
  if (auto* waiting = result->queue())
    waiting->attach(*result);
  give_actor(former.rt().system(), *result);
  return result.release();
}

worker_core* spawn_worker(caf::actor_system& sys, worker_options options,
                          const std::type_info& type,
                          std::unique_ptr<worker> what) {
  return make_core(sys, std::move(options), type, role_of_workers(),
                   std::move(what), nullptr);
}

} // namespace troupe
