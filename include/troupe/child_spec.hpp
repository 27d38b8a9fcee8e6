// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child_info.hpp"
#include "troupe/fwd.hpp"
#include "troupe/supervisor_options.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>

#include <memory>
#include <string>
#include <typeinfo>

namespace troupe {

namespace detail {

class message_queue;
class worker_role;

} // namespace detail

/// Makes the objects of one child, one for each of its lives. Shared between
/// copies of a spec, and called on the child's own thread.
class child_factory {
public:
  virtual ~child_factory();

  /// Makes the object of a life. May throw, which is a failed start.
  [[nodiscard]] virtual std::unique_ptr<worker>
  make(caf::actor_system& sys) const = 0;

  /// Makes the queue that all lives share, or null.
  [[nodiscard]] virtual std::shared_ptr<detail::message_queue>
  make_queue() const = 0;

  /// The class of the objects.
  [[nodiscard]] virtual const std::type_info& type() const noexcept = 0;

  /// The role of the workers: a plain one, unless it is overridden.
  [[nodiscard]] virtual const detail::worker_role& role() const noexcept;

  /// What it makes: a worker, a supervisor, a plain CAF actor.
  [[nodiscard]] child_kind kind() const noexcept;

  /// How it is run when its spec says `given`: a supervisor has options of its
  /// own instead of those of a worker.
  [[nodiscard]] virtual worker_options run_as(worker_options given) const;

  /// Says what is wrong with what it is to make; empty if nothing is known.
  [[nodiscard]] virtual std::string check() const;
};

/// How a supervisor makes and treats one child: never an instance, always what
/// it takes to make one. A value; copies share the factory.
struct child_spec {
  /// The name of the child, without `/` and control characters; unique among
  /// its siblings. (S1)
  std::string name = {};

  /// How it is treated, and run.
  child_options options = {};

  /// How it is made.
  std::shared_ptr<const child_factory> factory = {};
};

} // namespace troupe

// It goes in messages to a supervisor of this process, and no further.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::child_spec)
