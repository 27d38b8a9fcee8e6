// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker.hpp"

#include "troupe/path.hpp"
#include "worker/spawn.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"
#include "worker/worker_role.hpp"

#include <stdexcept>

namespace troupe {

using namespace detail;

worker::~worker() = default;

task<> worker::on_startup() {
  return task<>::nothing();
}

task<> worker::on_shutdown() {
  return task<>::nothing();
}

void worker::after_shutdown(const outcome&) {
  // nop
}

message_handlers worker::handlers() {
  return {};
}

status_fields worker::describe() {
  // A worker that overrides it does not come here, and is asked again.
  if (core_ != nullptr)
    core_->activity().note_says_nothing();
  return {};
}

// -- properties ----------------------------------------------------------------

std::string worker::name() const {
  return core_ != nullptr ? core_->name() : std::string{};
}

std::string worker::path() const {
  return core_ != nullptr ? core_->path() : std::string{};
}

worker_state worker::state() const noexcept {
  return core_ != nullptr ? core_->state() : worker_state::init;
}

worker_phase worker::phase() const noexcept {
  return core_ != nullptr ? rules::phase_of(core_->stage())
                          : worker_phase::created;
}

bool worker::is_running() const noexcept {
  return state() == worker_state::running;
}

bool worker::is_stopping() const noexcept {
  return core_ != nullptr && core_->stop_asked();
}

// -- waiting -------------------------------------------------------------------

sleep_awaitable worker::sleep_until(time_point until) {
  return {get_core(), until > now() ? until : sleep_awaiter::no_wait};
}

stop_awaitable worker::stop_requested() {
  return stop_awaitable{get_core()};
}

// -- lifecycle -----------------------------------------------------------------

void worker::ready() {
  get_core().feed(rules::event::became_ready);
}

void worker::mark_healthy() {
  auto& core = get_core();
  if (auto* owner = core.owner())
    owner->marked_healthy(core);
}

void worker::healthy() {
  get_core().report_health(health::healthy, {});
}

void worker::degraded(std::string reason) {
  get_core().report_health(health::degraded, std::move(reason));
}

hold_token worker::hold() {
  return hold_token{get_core()};
}

void worker::finish() {
  get_core().link().get()->end_run(std::nullopt);
}

void worker::fail(caf::error reason) {
  auto& core = get_core();
  if (!reason)
    reason = caf::make_error(errc::worker_failed,
                             core.subject()
                               + " failed: fail() was given an empty error");
  // The error stays as it is, so that a search for its code finds it.
  core.link().get()->end_run(failure{std::move(reason), nullptr});
}

// -- environment ---------------------------------------------------------------

caf::actor_system& worker::home_system() const {
  return self()->home_system();
}

time_point worker::now() const {
  return get_core().rt().time().now();
}

wall_time worker::wall_now() const {
  return get_core().rt().time().wall_now();
}

caf::event_based_actor* worker::self() const {
  return get_core().link().get();
}

std::shared_ptr<message_queue> worker::make_queue() {
  return nullptr;
}

task<> worker::hand_over_queue() {
  co_return;
}

worker_core& worker::get_core() const {
  if (core_ == nullptr)
    throw std::logic_error(
      "this worker was not spawned: its constructor, and a "
      "worker object that was made by hand, can neither "
      "wait nor send; use troupe::spawn");
  return *core_;
}

message_queue& worker::find_queue(worker_core& core) {
  return *core.queue();
}

worker_core* worker::spawn_child(worker_options options,
                                 const std::type_info& type,
                                 std::unique_ptr<worker> what) {
  auto& parent = get_core();
  return make_core(parent.link().get()->home_system(), std::move(options), type,
                   role_of_workers(), std::move(what), &parent);
}

// -- hold_token ----------------------------------------------------------------

hold_token::hold_token(worker_core& core) : core_(&core) {
  core_->retain();
  core_->add_hold();
}

void hold_token::release() noexcept {
  if (auto* core = std::exchange(core_, nullptr)) {
    core->drop_hold();
    core->release();
  }
}

} // namespace troupe
