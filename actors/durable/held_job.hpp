// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "durable/rules.hpp"
#include "troupe/durable/job.hpp"
#include "troupe/durable/worker.hpp"
#include "troupe/time.hpp"

#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace troupe::durable {

/// The facts about a job that a worker has in hand.
struct job::state {
  state(claimed_job claimed, const basic_worker& by)
    : what(std::move(claimed)), owner(by) {
    // nop
  }

  claimed_job what;
  const basic_worker& owner;

  /// When its handler began, or asked for more time; `never`: not yet.
  time_point begun = never;

  std::stop_source stop = {};
  bool lost = false;

  /// A transaction of the user's was to end it.
  bool ended_by_user = false;

  /// The end that its handler wants for it.
  rules::ending wanted = rules::ending::returned;
  timespan snooze{0};
  std::string error = {};

  /// The meaning of a failure.
  std::optional<on_error> policy = {};
  std::exception_ptr thrown = {};
};

} // namespace troupe::durable
