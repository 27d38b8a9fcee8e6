// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_handle.hpp"

#include "cell.hpp"

#include <caf/actor_cast.hpp>

namespace troupe {

caf::error null_handle() {
  return caf::make_error(errc::invalid_argument,
                         "a handle that points to no worker was used; assign "
                         "what spawn() returned");
}

worker_handle::worker_handle(const worker_handle& other) noexcept
  : cell_(other.cell_) {
  if (cell_ != nullptr)
    cell_->add_handle();
}

worker_handle::~worker_handle() {
  if (cell_ != nullptr)
    cell_->drop_handle();
}

// -- properties ----------------------------------------------------------------

worker_state worker_handle::state() const noexcept {
  return cell_ != nullptr ? cell_->state() : worker_state::init;
}

worker_phase worker_handle::phase() const noexcept {
  return cell_ != nullptr ? rules::phase_of(cell_->stage())
                          : worker_phase::created;
}

std::string worker_handle::name() const {
  return cell_ != nullptr ? cell_->who().name : std::string{};
}

std::string worker_handle::path() const {
  return cell_ != nullptr ? cell_->who().path : std::string{};
}

std::uint64_t worker_handle::incarnation() const noexcept {
  return 1;
}

std::optional<outcome> worker_handle::outcome() const {
  return cell_ != nullptr ? cell_->last_outcome() : std::nullopt;
}

worker_status worker_handle::status() const {
  return cell_ != nullptr ? cell_->status() : worker_status{};
}

caf::actor worker_handle::actor() const {
  if (cell_ == nullptr)
    return nullptr;
  return caf::actor_cast<caf::actor>(cell_->actor());
}

// -- lifecycle -----------------------------------------------------------------

startup_result worker_handle::startup() const {
  return cell_ != nullptr ? cell_->startup() : null_handle();
}

startup_result worker_handle::start() const {
  return cell_ != nullptr ? cell_->start() : null_handle();
}

void worker_handle::gracefully_stop() const {
  if (cell_ != nullptr)
    cell_->request_stop(cell_->who().on_stop);
}

void worker_handle::drain() const {
  if (cell_ != nullptr)
    cell_->request_stop(on_stop::drain);
}

void worker_handle::force_stop() const {
  if (cell_ != nullptr)
    cell_->force();
}

awaited_outcome worker_handle::shutdown() const {
  // A call that is going to be refused must not stop anything.
  if (cell_ == nullptr)
    return null_handle();
  if (!cell_->would_block() && !cell_->request_stop(cell_->who().on_stop))
    return cell_->not_started();
  return cell_->wait_until_over(infinite);
}

awaited_outcome worker_handle::wait_for_shutdown(timespan timeout) const {
  if (cell_ == nullptr)
    return null_handle();
  return cell_->wait_until_over(timeout);
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
  auto* queue = find_queue();
  return queue != nullptr ? queue->counts() : queue_counts{};
}

worker* worker_handle::finished_worker() const noexcept {
  return cell_ != nullptr ? cell_->finished_worker() : nullptr;
}

message_queue* worker_handle::find_queue() const noexcept {
  return cell_ != nullptr ? cell_->queue() : nullptr;
}

} // namespace troupe
