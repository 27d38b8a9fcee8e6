// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/caf_compat.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/handlers.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <caf/event_based_actor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace troupe::detail {

/// The actor that runs one worker. Its behaviours are the states of the
/// lifecycle: *waiting* before the worker is ready (messages to handlers are
/// kept), *serving* while `run()` does its work, *closed* afterwards. It
/// carries out, on its own thread, what the core's lifecycle asks for.
///
/// Messages of the protocol, exits, replies and messages for the queue are
/// dealt with when they are enqueued, on the sender's thread: so they overtake
/// any backlog and reach a worker whose actor is stuck.
class worker_actor : public caf::event_based_actor {
public:
  using super = caf::event_based_actor;

  worker_actor(caf::actor_config& cfg, worker_core& core);

  ~worker_actor() override;

  const char* name() const override;

  bool enqueue(caf::mailbox_element_ptr what,
               compat::execution_context* ctx) override;

  using super::enqueue;

  caf::resumable::resume_result resume(compat::execution_context* ctx,
                                       size_t max_throughput) override;

  void on_exit() override;

  /// Puts an empty message into the mailbox, with high priority: it makes the
  /// actor call `pump`. Any thread.
  /// @param spare An element to use for it, if one is at hand.
  void deliver_wake(caf::mailbox_element_ptr spare) noexcept;

  // -- called by the worker's code --------------------------------------------

  /// Somebody may have called quit() on the worker's actor: it stays until the
  /// worker has been taken apart.
  void outlive_quit();

  /// Ends `run()` from a handler: as if it had returned, or thrown `why`.
  void end_run(std::optional<failure> why);

  [[nodiscard]] worker_core& get_core() const noexcept {
    return *core_;
  }

  /// Sets where a failure is to be noted for the requester.
  /// @returns where it was to be noted before.
  caf::error* watch_failure(caf::error* where) noexcept {
    return std::exchange(make_lazy().noted_failure, where);
  }

  void adopt(handler_call& x);

  void handler_begun() noexcept;

  void handler_done(handler_call& x);

  void handler_cancelled(handler_call& x);

protected:
  caf::behavior make_behavior() override;

private:
  enum class step : std::uint8_t { none, startup, run, hand_over, shutdown };

  /// Makes `to` a message of a queue. If a function of the user's throws, its
  /// copy for example, that is as with `cannot_take`.
  /// @returns null if it is none, or no longer one.
  [[nodiscard]] message_queue::node_ptr convert(message_queue& queue,
                                                caf::mailbox_element& what);

  bool submit(message_queue::node_ptr x, caf::mailbox_element_ptr& what,
              compat::execution_context* ctx);

  /// A function of the user's has thrown on a message, on its sender's thread,
  /// where nobody could catch it: it is a dead letter, and a request has an
  /// error.
  /// @pre an exception is being handled
  void cannot_take(message_queue& queue, message_queue::node_ptr x,
                   caf::mailbox_element& what, const char* why);

  /// The part that few actors need at a time; made on first use.
  struct lazy_part {
    caf::error ending_why; // what fail() was given; nothing after finish()
    std::optional<failure> cleanup_failure;
    caf::error* noted_failure = nullptr;
    caf::behavior handlers; // until they are served
    handler_call* calls = nullptr;
  };

  [[nodiscard]] lazy_part& make_lazy() {
    if (!lazy_)
      lazy_ = std::make_unique<lazy_part>();
    return *lazy_;
  }

  /// The handlers that are coroutines and have not ended.
  [[nodiscard]] handler_call* calls() const noexcept {
    return lazy_ ? lazy_->calls : nullptr;
  }

  caf::resumable::resume_result resume_turn(compat::execution_context* ctx,
                                            size_t most);

  caf::resumable::resume_result resume_slice(compat::execution_context* ctx,
                                             size_t most);

  caf::resumable::resume_result resume_watched(compat::execution_context* ctx,
                                               size_t most);

  bool attend(compat::execution_context* ctx);

  /// Does what there is to do, for a bounded time.
  void pump();

  void work();

  void carry_out(todo what);

  void tell_calls_to_stop() noexcept;

  void begin_startup();

  void begin_run();

  void begin_close();

  void close_if_alone();

  void begin_hand_over();

  void begin_shutdown();

  void note_cleanup_failure(failure why);

  void finish();

  void rest();

  void quit_actor();

  void step_done(completion<void> how);

  void step_threw();

  void cleanup_done();

  void return_if_free();

  /// Starts to destroy the coroutines. When they are gone, `torn_down` follows,
  /// perhaps at once.
  void tear_down(bool handlers_too);

  void part_gone();

  void stop_children();

  void torn_down();

  void children_ended();

  [[nodiscard]] bool is_watched();

  static caf::skippable_result refuse_late(caf::scheduled_actor*,
                                           caf::message&);

  [[nodiscard]] static caf::behavior idle_behavior();

  void keep_messages();

  void serve();

  void serve_nobody();

  void refuse_messages();

  void look_at_kept_messages();

  failure failed(errc code, std::string_view how, std::exception_ptr what);

  [[nodiscard]] compat::execution_context* context_here() const noexcept;

  bool handle_protocol(caf::mailbox_element& what);

  void reply(caf::mailbox_element& to, caf::message content);

  core_ptr core_;
  fiber main_;
  step step_ = step::none;
  bool run_over_ = false; // run() returned; holds may keep the worker
  bool ending_ = false;   // finish() or fail() was called
  bool closing_ = false;  // children and handlers are being joined
  bool hand_over_begun_ = false;
  bool shutdown_begun_ = false;
  bool over_ = false;          // finish() was called
  bool doomed_ = false;        // somebody called quit()
  bool kept_messages_ = false; // some came before run() did
  bool serving_ = false;       // the behaviour is that of the handlers
  std::uint32_t tearing_down_ = 0;
  std::unique_ptr<lazy_part> lazy_;
};

} // namespace troupe::detail
