// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/controls.hpp"
#include "observer/ended_roots.hpp"
#include "observer/event_ring.hpp"
#include "observer/http_server.hpp"
#include "observer/jobs.hpp"
#include "observer/shared_look.hpp"
#include "observer/wall_time.hpp"
#include "troupe/events.hpp"
#include "troupe/observer.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

namespace detail {

class runtime;

} // namespace detail

namespace observing {

/// The answers of an observer to requests. Thread-safe.
class site {
public:
  /// @param options All of them known.
  site(caf::actor_system& sys, const observer_options& options,
       const event_ring& events);

  ~site();

  /// Answers a request at once, or says what to do for that.
  [[nodiscard]] http_reply serve(const http_request& what);

private:
  using trees = std::vector<tree_status>;
  using trees_ptr = std::shared_ptr<const trees>;

  /// The status of those with nobody above them, without what is below.
  [[nodiscard]] trees look_at_roots();

  [[nodiscard]] http_answer give_page() const;

  [[nodiscard]] http_answer give_status(const http_request& what);

  /// @param render Makes text of what is to be shown, and of all there is.
  template <class F>
  [[nodiscard]] http_answer
  give_trees(const http_request& what, std::string_view type, F render);

  [[nodiscard]] http_answer give_readiness();

  [[nodiscard]] http_answer give_liveness();

  [[nodiscard]] http_answer give_metrics();

  [[nodiscard]] http_answer give_events(const http_request& what) const;

  [[nodiscard]] http_reply serve_change(command wanted,
                                        const http_request& what);

  [[nodiscard]] http_answer change(const command& wanted);

  [[nodiscard]] http_answer give_jobs();

  [[nodiscard]] http_answer change(const job_command& wanted,
                                   const std::string& client);

  /// Has `f` called if the client may change something.
  [[nodiscard]] http_reply if_may_change(const http_request& what,
                                         std::function<http_answer()> f) const;

  caf::actor_system& sys_;
  const std::shared_ptr<detail::runtime> core_;
  const observer_options options_;
  const event_ring& events_;
  const wall_time time_;
  const std::shared_ptr<ended_roots> roots_;
  shared_look look_;
  subscription ended_;
};

} // namespace observing

} // namespace troupe
