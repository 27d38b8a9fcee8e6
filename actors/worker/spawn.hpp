// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/run_config.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/spawn.hpp"
#include "worker/life_owner.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>

namespace troupe::detail {

/// Makes a core and its actor, which does not run yet. The caller owns a
/// handle's share.
/// @param parent The core of the worker that it is linked to, or null.
[[nodiscard]] worker_core*
make_core(caf::actor_system& sys, worker_options options,
          const std::type_info& type, const worker_role& role,
          std::unique_ptr<worker> what, worker_core* parent);

/// The name of a class in plain words: demangled.
[[nodiscard]] std::string class_name(const std::type_info& type);

/// How a worker of that class is run.
[[nodiscard]] std::shared_ptr<const run_config>
share_config(const std::shared_ptr<runtime>& rt, const worker_options& options,
             const std::type_info& type, const worker_role& role);

/// Makes the core of a worker whose lives begin and end as `by` says, and its
/// actor. The caller owns a handle's share. `by` knows it by no id yet.
/// @param path With its name at the end.
/// @param how How `queue` behaves, if there is one.
[[nodiscard]] worker_core*
make_child_core(std::string path, std::shared_ptr<const run_config> config,
                std::shared_ptr<message_queue> queue, const queue_options& how,
                std::shared_ptr<life_owner> by);

/// Makes a core that takes the place of `former`, with another actor and the
/// same queue.
[[nodiscard]] worker_core* make_next_core(const worker_core& former,
                                          std::shared_ptr<life_owner> by);

} // namespace troupe::detail
