// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/type_ids.hpp"

#include <caf/actor_control_block.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// One child of a supervisor, as a supervisor tells it in a message.
struct child_info {
  /// The name under which it was added.
  std::string name;
  /// Its path, with those above it.
  std::string path;
  /// Its actor: null if it has none at this moment. For a worker, any message
  /// of the protocol can be sent to it.
  caf::strong_actor_ptr actor;
  /// Its state, and its phase, which is finer.
  worker_state state = worker_state::init;
  /// @copydoc state
  worker_phase phase = worker_phase::created;
  /// What it is: a worker, a supervisor, a plain CAF actor.
  child_kind kind = child_kind::worker;
  /// How many times it was started again.
  std::uint64_t restarts = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, child_info& x) {
    return f.object(x).fields(f.field("name", x.name), f.field("path", x.path),
                              f.field("actor", x.actor),
                              f.field("state", x.state),
                              f.field("phase", x.phase),
                              f.field("kind", x.kind),
                              f.field("restarts", x.restarts));
  }
};

/// All children of a supervisor, in the order of their start.
struct child_list {
  /// In the order of their start.
  std::vector<child_info> children;

  template <class Inspector>
  friend bool inspect(Inspector& f, child_list& x) {
    return f.object(x).fields(f.field("children", x.children));
  }
};

/// How many children a supervisor has.
struct child_totals {
  /// How many there are, those that are stopped included.
  std::uint64_t specs = 0;
  /// Starting, running or stopping.
  std::uint64_t active = 0;
  /// How many of them are supervisors.
  std::uint64_t supervisors = 0;
  /// How many are not.
  std::uint64_t workers = 0;
  /// Of those that are active: neither starting nor stopping.
  std::uint64_t ready = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, child_totals& x) {
    return f.object(x).fields(f.field("specs", x.specs),
                              f.field("active", x.active),
                              f.field("supervisors", x.supervisors),
                              f.field("workers", x.workers),
                              f.field("ready", x.ready));
  }
};

} // namespace troupe
