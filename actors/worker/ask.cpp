// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/ask.hpp"

#include "system/ask_targets.hpp"
#include "worker/ask_table.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>

namespace troupe {

using namespace detail;

// -- ask_table -----------------------------------------------------------------

ask_table::ask_table(ask_targets& targets) : targets_(targets) {
  targets.add(*this);
}

ask_table::~ask_table() {
  targets_.remove(*this);
}

void ask_table::add(reply_awaiter& x) {
  std::unique_lock guard{mtx_};
  pending_.emplace_back(x.id_, &x);
  x.in_table_ = true;
}

void ask_table::remove(reply_awaiter& x) noexcept {
  std::unique_lock guard{mtx_};
  if (!std::exchange(x.in_table_, false))
    return;
  auto i = std::find_if(pending_.begin(), pending_.end(),
                        [&x](const auto& kvp) { return kvp.second == &x; });
  pending_.erase(i);
}

bool ask_table::complete(caf::message_id id, caf::message& reply) {
  std::unique_lock guard{mtx_};
  auto i = std::lower_bound(pending_.begin(), pending_.end(), id,
                            [](const auto& kvp, caf::message_id key) {
                              return kvp.first.integer_value()
                                     < key.integer_value();
                            });
  if (i == pending_.end() || i->first != id)
    return false;
  auto& x = *i->second;
  pending_.erase(i);
  end(x, std::move(reply));
  return true;
}

/// With the lock held: the awaiter cannot go before it has taken it as well.
void ask_table::end(reply_awaiter& x, caf::message reply) noexcept {
  x.in_table_ = false;
  x.replied_ = true;
  x.reply_ = std::move(reply);
  x.post();
}

void ask_table::target_lost(const caf::actor_control_block& whom,
                            const caf::error& why) noexcept {
  std::unique_lock guard{mtx_};
  std::erase_if(pending_, [&](const auto& kvp) {
    auto& x = *kvp.second;
    const auto lost = x.target_.get() == &whom;
    if (lost)
      end(x, caf::make_message(why));
    return lost;
  });
}

caf::error detail::error_in_reply(caf::error what, const std::string& whom) {
  if (what != caf::sec::request_receiver_down)
    return what;
  const auto& said = what.context();
  return caf::make_error(errc::receiver_gone, said.match_elements<std::string>()
                                                ? said.get_as<std::string>(0)
                                                : whom + " has ended");
}

// -- reply_awaiter -------------------------------------------------------------

reply_awaiter::alarm::alarm(reply_awaiter& x) noexcept
  : timer([](timer& self) noexcept { static_cast<alarm&>(self).who.post(); }),
    who(x) {
  // nop
}

/// Ends the wait when the target is one of another node and is gone.
struct reply_awaiter::remote_watch final : ask_targets::waiter {
  explicit remote_watch(reply_awaiter& x) noexcept : who(x) {
    // nop
  }

  void target_lost(const caf::error& why) noexcept override {
    auto reply = caf::make_message(why);
    who.core_->find_asks()->complete(who.id_, reply);
  }

  reply_awaiter& who;
};

reply_awaiter::reply_awaiter(worker_core& core, caf::strong_actor_ptr target,
                             timespan timeout, caf::message request) noexcept
  : core_(&core),
    target_(std::move(target)),
    timeout_(timeout),
    request_(std::move(request)),
    alarm_(*this) {
  // nop
}

reply_awaiter::~reply_awaiter() {
  core_->rt().time().cancel(alarm_);
  if (remote_)
    core_->rt().targets_of_asks().remove(*remote_);
  leave_table();
}

bool reply_awaiter::send_request() {
  if (!target_) {
    reply_ = caf::make_message(caf::make_error(
      errc::receiver_gone,
      core_->subject()
        + " asked nobody: the target is a null handle, or a worker that has "
          "ended"));
    replied_ = true;
    withdraw();
    return false;
  }
  auto* self = core_->link().get();
  if (ask_targets::is_remote(*target_, self->ctrl()->nid))
    remote_ = std::make_unique<remote_watch>(*this);
  auto& table = core_->asks();
  auto request_id = self->new_request_id(caf::message_priority::normal);
  id_ = request_id.response_id();
  table.add(*this);
  if (timeout_ != infinite) {
    auto& time = core_->rt().time();
    time.arm(alarm_, deadline_after(time.now(), timeout_));
  }
  if (remote_)
    core_->rt().targets_of_asks().add(*remote_, *target_,
                                      ask_targets::known_by::attachable);
  target_->enqueue(compat::make_element(caf::strong_actor_ptr{self->ctrl()},
                                        request_id, std::move(request_)),
                   self->context());
  return true;
}

void reply_awaiter::leave_table() noexcept {
  if (auto* table = core_->find_asks())
    table->remove(*this);
}

caf::expected<caf::message> reply_awaiter::take_reply() {
  leave_table();
  if (!replied_)
    return caf::make_error(caf::sec::request_timeout);
  if (reply_.match_elements<caf::error>())
    return error_in_reply(std::move(reply_.get_mutable_as<caf::error>(0)),
                          core_->subject() + " asked an actor that");
  return std::move(reply_);
}

} // namespace troupe
