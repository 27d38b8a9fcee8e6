// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/blocks.hpp"
#include "rules/supervision.hpp"
#include "supervisor/child_call.hpp"
#include "supervisor/name_index.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/worker_core.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::detail {

/// The facts about a child that the rules need not know, and its core. There
/// can be very many: facts that only some need at a time are in `agenda`.
struct child_record {
  using call_ptr = std::shared_ptr<child_call::progress>;

  struct agenda {
    job_ptr retry;
    std::vector<call_ptr> starts; // more that wait for it to be ready
    std::vector<call_ptr> stops;  // that wait for it to be over
    caf::error why_stopped;       // as the first of them says
  };

  /// Whether its next life has begun on its own thread.
  enum class beginning : std::uint8_t {
    none, ///< None is about to begin.
    due,  ///< It is to be told so.
    told,
  };

  rules::child_id id = rules::no_child;
  worker_handle handle; // to the core of its present life
  std::shared_ptr<const child_factory> factory; // null once none is needed
  call_ptr start;                               // that waits for it to be ready
  std::unique_ptr<agenda> plans;
  on_stop mode = on_stop::discard;
  child_kind kind = child_kind::worker;
  beginning begins = beginning::none;

  [[nodiscard]] std::string_view name() const noexcept {
    return access::core_of(handle)->name();
  }

  [[nodiscard]] agenda& make_plans() {
    if (!plans)
      plans = std::make_unique<agenda>();
    return *plans;
  }

  void add_start(call_ptr call);

  /// Calls `f` with each call that waits for it to be ready, which it does no
  /// longer.
  template <class F>
  void take_starts(F f) {
    if (start)
      f(std::exchange(start, nullptr));
    for (auto& call : take_more_starts())
      f(std::move(call));
  }

  [[nodiscard]] std::vector<call_ptr> take_stops();

private:
  [[nodiscard]] std::vector<call_ptr> take_more_starts();

  void drop_empty_plans() noexcept;
};

/// The children of one supervisor, by id and by name. Not thread-safe.
class child_table {
public:
  /// @returns null if there is no such child; the others stay where they are
  ///          whoever comes or goes.
  [[nodiscard]] child_record* find(rules::child_id who) noexcept;

  [[nodiscard]] const child_record* find(rules::child_id who) const noexcept;

  [[nodiscard]] child_record* find(std::string_view name) noexcept;

  [[nodiscard]] const child_record* find(std::string_view name) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept {
    return names_.size();
  }

  /// @pre none has its id, or its name
  child_record& add(child_record x);

  /// @pre `find(who)`
  child_record take(rules::child_id who);

  [[nodiscard]] std::vector<child_record> take_all();

  template <class F>
  void for_each(F f) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (auto& x = slots_[i]; x.id != rules::no_child)
        f(x);
  }

private:
  // By `rules::slot_of`; what is free has no id.
  rules::blocks<child_record> slots_;
  name_index names_;
};

} // namespace troupe::detail
