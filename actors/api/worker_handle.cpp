// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_handle.hpp"

#include "troupe/supervisor_ref.hpp"
#include "worker/complaints.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_cast.hpp>

#include <utility>

namespace troupe {

using namespace detail;

namespace {

awaited_outcome wait_until_over(worker_core& who, timespan timeout) {
  auto how = waiters{who}.wait_until_over(timeout);
  return how ? awaited_outcome{*std::move(how), complaints{who}.get_mark()}
             : how;
}

} // namespace

worker_handle::worker_handle(const worker_handle& other) noexcept
  : core_(other.core_) {
  if (core_ != nullptr)
    core_->add_handle();
}

worker_handle::~worker_handle() {
  if (core_ != nullptr)
    core_->drop_handle();
}

worker_core* worker_handle::get_core() const noexcept {
  return core_ != nullptr ? &core_->latest() : nullptr;
}

// -- properties ----------------------------------------------------------------

worker_state worker_handle::state() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->state() : worker_state::nobody;
}

worker_phase worker_handle::phase() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->phase() : worker_phase::nobody;
}

std::string worker_handle::name() const {
  auto* who = get_core();
  return who != nullptr ? who->name() : std::string{};
}

std::string worker_handle::path() const {
  auto* who = get_core();
  return who != nullptr ? who->path() : std::string{};
}

bool worker_handle::is_of(const std::type_info& type) const noexcept {
  const auto* who = get_core();
  if (who == nullptr || type == typeid(worker_handle))
    return who != nullptr;
  if (type == typeid(supervisor_ref))
    return who->kind() == child_kind::supervisor;
  return *who->config().type == type;
}

std::uint64_t worker_handle::incarnation() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->incarnation() : 0;
}

std::optional<outcome> worker_handle::outcome() const {
  auto* who = get_core();
  auto result = who != nullptr ? who->told_outcome() : std::nullopt;
  if (result)
    complaints{*who}.get_mark().set();
  return result;
}

health worker_handle::health() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->reported_health() : troupe::health::healthy;
}

worker_status worker_handle::status() const {
  if (auto* who = get_core()) {
    complaints{*who}.get_mark().set(); // shows the outcome as well
    return who->status();
  }
  worker_status result;
  result.state = worker_state::nobody;
  result.phase = worker_phase::nobody;
  return result;
}

caf::actor worker_handle::actor() const {
  auto* who = get_core();
  if (who == nullptr)
    return nullptr;
  return caf::actor_cast<caf::actor>(who->actor());
}

// -- lifecycle -----------------------------------------------------------------

startup_result worker_handle::startup() const {
  auto* who = get_core();
  if (who == nullptr)
    return null_handle();
  auto why = waiters{*who}.startup();
  return why ? startup_result{std::move(why), complaints{*who}.get_mark()}
             : startup_result{};
}

startup_result worker_handle::start() const {
  auto* who = get_core();
  return who != nullptr ? who->start() : null_handle();
}

void worker_handle::gracefully_stop() const {
  auto* who = get_core();
  if (who != nullptr)
    who->want_stop(who->config().on_stop);
}

void worker_handle::drain() const {
  auto* who = get_core();
  if (who != nullptr)
    who->want_stop(on_stop::drain);
}

void worker_handle::force_stop() const {
  auto* who = get_core();
  if (who == nullptr)
    return;
  // On purpose: a supervisor is not to start it again.
  if (who->owner() != nullptr)
    who->want_stop(who->config().on_stop);
  who->force();
}

awaited_outcome worker_handle::shutdown() const {
  auto* who = get_core();
  // A call that is going to be refused must not stop anything.
  if (who == nullptr)
    return null_handle();
  const auto refused = who->would_block() || who->rt().forked();
  if (!refused && !who->want_stop(who->config().on_stop))
    return waiters{*who}.not_started();
  return wait_until_over(*who, infinite);
}

awaited_outcome worker_handle::wait_for_shutdown(timespan timeout) const {
  auto* who = get_core();
  if (who == nullptr)
    return null_handle();
  return wait_until_over(*who, timeout);
}

worker_handle::started_awaitable worker_handle::started() const {
  return started_awaitable{*this};
}

worker_handle::stopped_awaitable worker_handle::stopped() const {
  return stopped_awaitable{*this};
}

// -- queue ---------------------------------------------------------------------

std::size_t worker_handle::queue_size() const noexcept {
  return static_cast<std::size_t>(queue().queued);
}

queue_counts worker_handle::queue() const {
  auto* who = get_core();
  return who != nullptr ? who->counts() : queue_counts{};
}

worker* worker_handle::finished_worker() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->finished_worker() : nullptr;
}

message_queue* worker_handle::find_queue() const noexcept {
  auto* who = get_core();
  return who != nullptr ? who->queue() : nullptr;
}

} // namespace troupe
