// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/worker_actor.hpp"

#include "rules/reasons.hpp"
#include "troupe/detail/submission.hpp"
#include "worker/ask_table.hpp"
#include "worker/core_ptr.hpp"
#include "worker/tree_status.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_role.hpp"

#include <algorithm>
#include <utility>

namespace troupe::detail {

namespace {

/// The core whose actor runs on this thread, the actor, and where it runs.
thread_local worker_core* current_core = nullptr;
thread_local worker_actor* current_actor = nullptr;
thread_local compat::execution_context* current_context = nullptr;

/// The core whose actor does what there is to do, on this thread.
thread_local worker_core* working_core = nullptr;

/// The turn that an actor has on this thread: one call of `resume`.
struct turn_here {
  rules::turn_time time;
  bool wake_later = false; // the actor, when the turn is over
};

thread_local turn_here* current_turn = nullptr;

caf::skippable_result refuse_message(caf::scheduled_actor*, caf::message&) {
  return caf::make_error(caf::sec::unexpected_message);
}

/// Whether the idle behavior of this thread has been destroyed.
thread_local constinit bool idle_is_gone = false;

/// An element that `wake` may use instead of a new one.
thread_local caf::mailbox_element_ptr* spare_element = nullptr;

/// While this lives, what comes up on this thread needs no message.
class at_work {
public:
  explicit at_work(worker_core& who) noexcept
    : outer_(std::exchange(working_core, &who)) {
    // nop
  }

  at_work(const at_work&) = delete;

  at_work& operator=(const at_work&) = delete;

  ~at_work() {
    working_core = outer_;
  }

private:
  worker_core* outer_;
};

} // namespace

worker_core* worker_core::current() noexcept {
  return current_core;
}

bool worker_core::at_work_here() const noexcept {
  return working_core == this;
}

// With the time of a test, which stands still while something runs, a turn is
// bounded by its steps alone.
bool worker_core::out_of_time() noexcept {
  return current_core == this && current_turn->time.look(rt().time().now());
}

worker_actor::worker_actor(caf::actor_config& cfg, worker_core& core)
  : super(cfg), core_(core), main_(core) {
  // nop
}

worker_actor::~worker_actor() {
  if (core_->stage() == rules::stage::created)
    core_->drop_unstarted(caf::make_error(caf::exit_reason::unreachable));
}

const char* worker_actor::name() const {
  return core_->name();
}

// -- messages, on the sender's thread --------------------------------------------

bool worker_actor::enqueue(caf::mailbox_element_ptr what,
                           compat::execution_context* ctx) {
  auto& content = what->payload;
  if (ctx != nullptr && !compat::belongs_to(ctx, home_system()))
    ctx = nullptr;
  if (what->mid.is_response()) {
    auto* asks = core_->find_asks();
    if (asks == nullptr)
      return super::enqueue(std::move(what), ctx);
    // The element that brings the reply wakes the actor as well. Its sender is
    // let go of only when no lock is held.
    auto from = std::move(what->sender);
    auto* outer = std::exchange(spare_element, &what);
    auto mine = asks->complete(what->mid, content);
    spare_element = outer;
    if (mine)
      return true;
    what->sender = std::move(from);
    return super::enqueue(std::move(what), ctx);
  }
  if (auto* queue = core_->queue(); queue != nullptr && !content.empty()) {
    auto node = convert(*queue, *what);
    if (content.empty())
      return false;
    if (node)
      return submit(std::move(node), what, ctx);
  }
  if (content.size() == 1 && handle_protocol(*what))
    return true;
  if (core_->config().role->handle_call(*core_, *what))
    return true;
  // Its code may not come back to answer.
  if (what->mid.is_request() && core_->abandoned()) {
    reply(*what, caf::make_message(
                   caf::make_error(caf::sec::request_receiver_down,
                                   core_->subject() + " was abandoned")));
    return false;
  }
  return super::enqueue(std::move(what), ctx);
}

/// Sends on what was a message in `what`, and answers a request.
bool worker_actor::submit(message_queue::node_ptr x,
                          caf::mailbox_element_ptr& what,
                          compat::execution_context* ctx) {
  auto& to = *core_->sink();
  try {
    to.assign(*x);
  } catch (...) {
    cannot_take(*core_->queue(), std::move(x), *what,
                " cannot find the key of a message: ");
    return false;
  }
  const auto mid = what->mid;
  auto from = std::move(what->sender);
  auto* outer = std::exchange(spare_element, &what);
  const auto asks = mid.is_request() && from;
  auto result = receipt::taken;
  if (asks) {
    submission request{std::move(x), from, mid.response_id()};
    result = to.submit(request);
  } else {
    submission message{std::move(x)};
    result = to.submit(message);
  }
  spare_element = outer;
  if (!asks)
    return result == receipt::taken;
  if (result == receipt::held)
    return true; // It is answered later.
  auto answer
    = result == receipt::taken
        ? caf::message{}
        : caf::make_message(message_queue::refusal(result, core_->path()));
  from->enqueue(compat::make_element(caf::strong_actor_ptr{ctrl()},
                                     mid.response_id(), std::move(answer)),
                ctx);
  return result == receipt::taken;
}

message_queue::node_ptr worker_actor::convert(message_queue& queue,
                                              caf::mailbox_element& what) {
  try {
    return queue.convert(what.payload);
  } catch (...) {
    auto unread = message_queue::hold_unread(std::move(what.payload));
    what.payload = caf::message{};
    cannot_take(queue, std::move(unread), what,
                " cannot copy a message that was sent to it: ");
    return nullptr;
  }
}

void worker_actor::cannot_take(message_queue& queue, message_queue::node_ptr x,
                               caf::mailbox_element& what, const char* why) {
  auto thrown = std::current_exception();
  auto text = core_->subject() + why + text_of(thrown);
  core_->rt().log(compat::log_error, text);
  queue.fail(std::move(x), std::move(thrown));
  reply(what, caf::make_message(
                caf::make_error(errc::invalid_argument, std::move(text))));
}

/// Deals with what concerns the lifecycle, without waiting for the actor.
/// @returns whether that was all.
bool worker_actor::handle_protocol(caf::mailbox_element& what) {
  auto& content = what.payload;
  if (content.match_elements<caf::exit_msg>()) {
    auto& reason = content.get_as<caf::exit_msg>(0).reason;
    // Its supervisor decides when it begins to live: nothing to be stopped, and
    // as little to be dropped as between two lives.
    if (core_->owner() != nullptr && core_->stage() == rules::stage::created)
      return true;
    // Nothing to be stopped: the actor goes, and with it the worker.
    if (core_->drop_unstarted(reason))
      return false;
    if (reason == caf::exit_reason::kill)
      core_->kill(reason);
    else
      core_->request_stop(worker_core::queue_at_stop(core_->config().on_stop),
                          {}, false, &reason);
    return true;
  }
  if (content.match_elements<caf::error>()) {
    // CAF would take an error that is no reply as a reason to quit.
    core_->rt().log(compat::log_warning,
                    core_->subject() + " was sent an error and ignores it: "
                      + caf::to_string(content.get_as<caf::error>(0)));
    reply(what,
          caf::make_message(caf::make_error(caf::sec::unexpected_message)));
    return true;
  }
  if (content.match_elements<start_atom>()) {
    auto err = core_->start();
    if (!err && what.mid.is_request() && what.sender)
      waiters{*core_}.reply_when(what, lifecycle_awaiter::what::ready);
    else
      reply(what, err ? caf::make_message(std::move(err)) : caf::message{});
    return true;
  }
  if (content.match_elements<stop_atom>()) {
    core_->want_stop(core_->config().on_stop);
    reply(what, caf::message{});
    return true;
  }
  if (content.match_elements<shutdown_atom>()) {
    if (!core_->want_stop(core_->config().on_stop))
      reply(what, caf::make_message(caf::make_error(
                    errc::not_started, core_->subject() + " was not started")));
    else if (what.mid.is_request() && what.sender)
      waiters{*core_}.reply_when(what, lifecycle_awaiter::what::over);
    return true;
  }
  if (content.match_elements<status_atom>()) {
    reply(what, caf::make_message(core_->status()));
    return true;
  }
  if (content.match_elements<status_tree_atom>()) {
    reply(what, caf::make_message(describe_tree(*core_)));
    return true;
  }
  return false;
}

void worker_actor::reply(caf::mailbox_element& to, caf::message content) {
  if (to.mid.is_request() && to.sender)
    to.sender->enqueue(compat::make_element(caf::strong_actor_ptr{ctrl()},
                                            to.mid.response_id(),
                                            std::move(content)),
                       nullptr);
}

void worker_actor::deliver_wake(caf::mailbox_element_ptr spare) noexcept {
  constexpr auto urgent = caf::message_id{}.with_high_priority();
  if (!spare && spare_element != nullptr)
    spare = std::move(*spare_element);
  if (spare) {
    spare->sender = nullptr;
    spare->mid = urgent;
    spare->payload = caf::message{};
  } else {
    spare = compat::make_element(nullptr, urgent, caf::message{});
  }
  // A thread that starts many would have them all in its queue, from which the
  // others take one at a time, now and then.
  const auto begins = core_->stage() == rules::stage::starting;
  super::enqueue(std::move(spare), begins ? nullptr : context_here());
}

/// Where this thread runs actors of the same system, or null.
compat::execution_context* worker_actor::context_here() const noexcept {
  return current_core != nullptr && &current_core->rt() == &core_->rt()
           ? current_context
           : nullptr;
}

// -- the actor's thread ----------------------------------------------------------

caf::resumable::resume_result
worker_actor::resume(compat::execution_context* ctx, size_t max_throughput) {
  // The core outlives the actor, and so this call.
  core_ptr keep = core_;
  turn_here mine;
  auto* outer_core = std::exchange(current_core, keep.get());
  auto* outer_actor = std::exchange(current_actor, this);
  auto* outer_context = std::exchange(current_context, ctx);
  auto* outer_turn = std::exchange(current_turn, &mine);
  // A bound, because CAF's own is "no bound", and with that a coroutine that
  // yields would never let another actor have this thread.
  constexpr size_t slice = 64;
  keep->activity().begin_turn();
  const auto most = std::min(max_throughput, slice);
  const auto result = core_->get_watchdog() == nullptr
                        ? resume_turn(ctx, most)
                        : resume_watched(ctx, most);
  // From here on the actor may run on another thread, or be gone. Without a
  // context it goes behind the others: CAF puts a job that comes from the
  // thread itself at the head of the queue.
  if (mine.wake_later) {
    current_context = nullptr;
    keep->link().wake(nullptr);
  }
  keep->activity().end_turn();
  current_core = outer_core;
  current_actor = outer_actor;
  current_context = outer_context;
  current_turn = outer_turn;
  return result;
}

/// Handles up to `most` messages, fewer if they take long.
caf::resumable::resume_result
worker_actor::resume_turn(compat::execution_context* ctx, size_t most) {
  size_t handled = 0;
  for (auto look = rules::first_look;; look = rules::next_look(handled)) {
    const auto result = resume_slice(ctx, std::min(look, most) - handled);
    handled = std::min(look, most);
    // With any other result the actor may run on another thread by now.
    if (result != resumable::resume_later || handled == most
        || core_->out_of_time())
      return result;
  }
}

caf::resumable::resume_result
worker_actor::resume_slice(compat::execution_context* ctx, size_t most) {
  // In CAF 1.x an urgent message waits behind all that the mailbox has fetched.
  if (core_->link().has_todo() && !attend(ctx))
    return resumable::done;
  return super::resume(ctx, most);
}

/// The same, one message after another, so that each is a step of its own.
caf::resumable::resume_result
worker_actor::resume_watched(compat::execution_context* ctx, size_t most) {
  // When the last step has returned, this actor may run on another thread.
  auto& dog = *core_->get_watchdog();
  const auto turn = dog.begin_turn();
  auto result = resumable::resume_later;
  auto look = rules::first_look;
  for (size_t i = 0; i < most && result == resumable::resume_later;) {
    dog.next_step();
    result = resume_slice(ctx, 1);
    if (++i < look || result != resumable::resume_later)
      continue;
    if (core_->out_of_time())
      break;
    look = rules::next_look(i);
  }
  dog.end_turn(turn);
  return result;
}

/// Does what there is to do before the next message.
/// @returns whether the actor goes on after it.
bool worker_actor::attend(compat::execution_context* ctx) {
  caf::mailbox_element wake;
  return activate(ctx, wake) != activation_result::terminated;
}

caf::behavior worker_actor::make_behavior() {
  keep_messages();
  return idle_behavior();
}

/// Keeps what comes for the handlers until there are some.
void worker_actor::keep_messages() {
  default_handler_ = [this](caf::scheduled_actor*,
                            caf::message&) -> caf::skippable_result {
    kept_messages_ = true;
    return caf::skip;
  };
}

/// The behaviour of an actor without handlers: one for all actors of a thread,
/// since there are very many of them.
caf::behavior worker_actor::idle_behavior() {
  auto make = [] { return caf::behavior{[] { current_actor->pump(); }}; };
  struct shared_one {
    caf::behavior what;

    ~shared_one() {
      idle_is_gone = true;
    }
  };
  // The destructor of a global may still run actors on this thread.
  if (idle_is_gone)
    return make();
  thread_local const shared_one all{make()};
  return all.what;
  // The analyzer does not see that CAF counts the references.
} // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)

/// The worker's handlers, if it has any, are served from here on.
void worker_actor::serve() {
  default_handler_ = refuse_message;
  if (lazy_ && lazy_->handlers) {
    become(std::exchange(lazy_->handlers, {}));
    serving_ = true;
  }
  look_at_kept_messages();
}

/// No handler begins from here on.
void worker_actor::serve_nobody() {
  if (std::exchange(serving_, false))
    become(idle_behavior());
  look_at_kept_messages();
}

/// Has the messages that were kept looked at once more. CAF 0.18 does that only
/// after a message of the same priority, which a wake-up is not.
void worker_actor::look_at_kept_messages() {
  if (std::exchange(kept_messages_, false))
    super::enqueue(compat::make_element(nullptr, caf::make_message_id(),
                                        caf::message{}),
                   context_here());
}

void worker_actor::pump() {
  {
    const at_work mark{*core_};
    work();
  }
  // The rest is done after others have had their turn. When the time is over
  // the wake-up has to wait: now it would be handled in this turn.
  if (core_->has_ready() || core_->link().has_todo()) {
    if (current_core == core_.get() && current_turn->time.over())
      current_turn->wake_later = true;
    else
      deliver_wake(nullptr);
  }
  outlive_quit();
}

void worker_actor::work() {
  constexpr std::size_t turn = 256;
  // One life may follow another in here, without an end.
  constexpr std::size_t most_steps = 16;
  for (std::size_t i = 0; i < most_steps; ++i) {
    core_->step_begins();
    if (auto what = core_->link().take_todo(); what != todo::none)
      carry_out(what);
    else if (!core_->has_ready() || core_->run_ready(turn) == turn
             || core_->has_ready())
      return;
  }
}

void worker_actor::outlive_quit() {
  if (!bhvr_stack().empty() || rules::is_final(core_->stage()))
    return;
  bhvr_stack().push_back(idle_behavior());
  serving_ = false;
  default_handler_ = refuse_late;
  doomed_ = true;
  core_->kill(
    core_->rt().gone()
      ? caf::make_error(errc::system_gone,
                        core_->subject() + " was ended with its actor system")
      : caf::make_error(errc::cancelled,
                        core_->subject()
                          + " was ended by a quit() of its actor"));
}

} // namespace troupe::detail
