// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "base/wait_for_signal.hpp"
#include "system/ask_targets.hpp"
#include "troupe/ask.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/ask_table.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// Where a thread waits for one reply.
class letter_box {
public:
  /// The first one counts.
  void put(caf::message reply) {
    std::unique_lock guard{mtx_};
    if (!reply_)
      reply_ = std::move(reply);
    arrived_.notify_all();
  }

  [[nodiscard]] bool full() {
    std::unique_lock guard{mtx_};
    return reply_.has_value();
  }

  void wait_until(time_point limit) {
    std::unique_lock guard{mtx_};
    wait_for_signal(arrived_, guard, limit,
                    [this] { return reply_.has_value(); });
  }

  [[nodiscard]] std::optional<caf::message> take() {
    std::unique_lock guard{mtx_};
    return std::move(reply_);
  }

private:
  std::mutex mtx_;
  std::condition_variable arrived_;
  std::optional<caf::message> reply_;
};

/// Sends the request of a thread, and gives the thread the reply when it is
/// enqueued: it never runs.
class correspondent final : public caf::event_based_actor {
public:
  using super = caf::event_based_actor;

  correspondent(caf::actor_config& cfg, std::shared_ptr<letter_box> box,
                std::shared_ptr<runtime> rt)
    : super(cfg), box_(std::move(box)), rt_(std::move(rt)) {
    // nop
  }

  bool enqueue(caf::mailbox_element_ptr what,
               compat::execution_context*) override {
    if (!what->mid.is_response())
      return false;
    box_->put(std::move(what->payload));
    rt_->notify();
    return true;
  }

  using super::enqueue;

private:
  std::shared_ptr<letter_box> box_;
  std::shared_ptr<runtime> rt_;
};

/// Ends a correspondent. It must not just be let go of: when it has written to
/// another node, CAF's registry holds it until it ends, and locks itself out
/// if it is the one to let go of it.
class retirement {
public:
  explicit retirement(correspondent& who) noexcept : who_(who) {
    // nop
  }

  retirement(const retirement&) = delete;

  retirement& operator=(const retirement&) = delete;

  ~retirement() {
    who_.cleanup(caf::error{}, nullptr);
  }

private:
  correspondent& who_;
};

/// While it lives, drops an error into the box when no answer of the target
/// will come.
class target_watch final : public ask_targets::waiter {
public:
  target_watch(runtime& rt, letter_box& box, caf::strong_actor_ptr target)
    : rt_(rt), box_(box), target_(std::move(target)) {
    using enum ask_targets::known_by;
    const auto remote = ask_targets::is_remote(*target_, rt_.system().node());
    rt_.targets_of_asks().add(*this, *target_, remote ? attachable : lose);
  }

  ~target_watch() {
    rt_.targets_of_asks().remove(*this);
  }

  void target_lost(const caf::error& why) noexcept override {
    box_.put(caf::make_message(why));
    rt_.notify();
  }

private:
  runtime& rt_;
  letter_box& box_;
  caf::strong_actor_ptr target_;
};

/// Keeps an actor system from going down meanwhile.
class stay {
public:
  explicit stay(runtime& rt) : rt_(rt), entered_(rt.count_worker()) {
    // nop
  }

  stay(const stay&) = delete;

  stay& operator=(const stay&) = delete;

  ~stay() {
    if (entered_)
      rt_.uncount_worker();
  }

  explicit operator bool() const noexcept {
    return entered_;
  }

private:
  runtime& rt_;
  bool entered_;
};

} // namespace

caf::expected<caf::message> ask_and_block(const worker_handle& target,
                                          timespan timeout,
                                          caf::message request) {
  auto* whom = access::core_of(target);
  if (whom == nullptr)
    return null_handle();
  if (whom->would_block())
    return caf::make_error(errc::would_block,
                           "ask() would block an actor's thread; inside of a "
                           "worker use co_await ask<R>(...) of the worker");
  auto rt = whom->shared_rt();
  if (rt->forked())
    return error_after_fork(whom->subject());
  stay here{*rt};
  if (!here)
    return caf::make_error(errc::system_gone,
                           whom->subject()
                             + " cannot be asked: its actor system is gone");
  auto actor = whom->actor();
  if (!actor)
    return caf::make_error(errc::receiver_gone, whom->subject() + " has ended");
  const compat::no_trace guard;
  auto box = std::make_shared<letter_box>();
  auto sender
    = rt->system().spawn<correspondent, caf::hidden + caf::lazy_init>(box, rt);
  auto* self = static_cast<correspondent*>(
    caf::actor_cast<caf::abstract_actor*>(sender));
  const retirement at_the_end{*self};
  auto limit = deadline_after(rt->time().now(), timeout);
  auto id = self->new_request_id(caf::message_priority::normal);
  const target_watch watch{*rt, *box, actor};
  actor->enqueue(
    compat::make_element(caf::actor_cast<caf::strong_actor_ptr>(sender), id,
                         std::move(request)),
    nullptr);
  rt->block_until([&box] { return box->full(); }, limit,
                  [&box, limit] { box->wait_until(limit); },
                  [whom] {
                    return "waiting for the answer of " + whom->path();
                  });
  auto reply = box->take();
  if (!reply)
    return caf::make_error(caf::sec::request_timeout,
                           whom->subject() + " did not answer in time");
  if (reply->match_elements<caf::error>())
    return error_in_reply(std::move(reply->get_mutable_as<caf::error>(0)),
                          whom->subject());
  return std::move(*reply);
}

} // namespace troupe
