// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/job.hpp"

#include "durable/desk.hpp"
#include "durable/held_job.hpp"
#include "durable/store_thread.hpp"
#include "troupe/error.hpp"

#include <utility>

namespace troupe::durable {

job::job(claimed_job what, const basic_worker& owner)
  : state_(std::make_unique<state>(std::move(what), owner)) {
  // nop
}

job::~job() = default;

job_id job::id() const noexcept {
  return state_->what.claim.id;
}

std::int64_t job::claim_number() const noexcept {
  return state_->what.claim.fence;
}

int job::failures() const noexcept {
  return state_->what.before.failures;
}

int job::crashes() const noexcept {
  return state_->what.before.crashes;
}

wall_time job::enqueued_at() const noexcept {
  return state_->what.put_at;
}

bool job::lost() const noexcept {
  return state_->lost;
}

std::stop_token job::stop_token() const noexcept {
  return state_->stop.get_token();
}

void job::snooze(timespan delay) {
  state_->wanted = rules::ending::snoozed;
  state_->snooze = delay;
}

void job::bury(std::string why) {
  state_->wanted = rules::ending::given_up;
  state_->error = std::move(why);
}

void job::extend() {
  state_->begun = state_->owner.desk_->now();
}

void job::done_in(const transaction& tx) {
  const auto& desk = *state_->owner.desk_;
  auto held = false;
  try {
    held = !state_->lost
           && desk.store().engine().done_in(tx, desk.queue(),
                                            state_->what.claim,
                                            desk.options().keep_done);
  } catch (const engine_error& e) {
    throw store_error{e.what()};
  }
  if (!held)
    throw claim_lost{"the claim of job " + std::to_string(id())
                     + " is over; somebody else may have it by now"};
  state_->ended_by_user = true;
}

const std::string& job::type() const noexcept {
  return state_->what.type;
}

const std::string& job::payload() const noexcept {
  return state_->what.payload;
}

void job::failed(const on_error& policy, std::exception_ptr thrown) {
  state_->wanted = rules::ending::failed;
  state_->error = text_of(thrown);
  state_->policy = policy;
  state_->thrown = std::move(thrown);
}

void job::unreadable(std::string why) {
  state_->wanted = rules::ending::unreadable;
  state_->error = std::move(why);
}

} // namespace troupe::durable
