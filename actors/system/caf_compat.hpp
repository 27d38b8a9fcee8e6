// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

// All that differs between the versions of CAF that troupe builds on stands
// here, and only here. The number in CAF_VERSION cannot be trusted (an
// installed 1.1.0 says 0100), so the test is for a header that came with 1.0.
#include <caf/actor_system.hpp>
#include <caf/config.hpp>

#if __has_include(<caf/log/level.hpp>)
#  define TROUPE_CAF_1 1
#else
#  define TROUPE_CAF_1 0
#endif

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/logger.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/response_promise.hpp>
#include <caf/scheduled_actor.hpp>

#if TROUPE_CAF_1
#  include <caf/anon_mail.hpp>
#  include <caf/log/level.hpp>
#  include <caf/scheduler.hpp>
#else
#  include <caf/execution_unit.hpp>
#  include <caf/scheduler/abstract_coordinator.hpp>
#  include <caf/send.hpp>
#endif

#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace troupe::compat {

#if TROUPE_CAF_1

/// Where an actor runs: what `enqueue` and `resume` are passed.
using execution_context = caf::scheduler;

inline constexpr unsigned log_error = caf::log::level::error;
inline constexpr unsigned log_warning = caf::log::level::warning;
inline constexpr unsigned log_info = caf::log::level::info;

#else

/// Where an actor runs: what `enqueue` and `resume` are passed.
using execution_context = caf::execution_unit;

inline constexpr unsigned log_error = CAF_LOG_LEVEL_ERROR;
inline constexpr unsigned log_warning = CAF_LOG_LEVEL_WARNING;
inline constexpr unsigned log_info = CAF_LOG_LEVEL_INFO;

#endif

/// Whether `ctx` is where actors of `sys` run: a sender of another actor system
/// passes its own.
inline bool belongs_to(execution_context* ctx, caf::actor_system& sys) {
#if TROUPE_CAF_1
  return ctx == &sys.scheduler();
#else
  return ctx != nullptr && &ctx->system() == &sys;
#endif
}

/// Has `f` called with the reason when `whom` has ended, on the thread of
/// `self`. One at a time.
template <class F>
void watch_end(caf::scheduled_actor* self, const caf::actor& whom, F f) {
#if TROUPE_CAF_1
  static_cast<caf::event_based_actor*>(self)->monitor(
    whom, [f = std::move(f)](const caf::error& reason) { f(reason); });
#else
  self->set_down_handler(
    [f = std::move(f), from = whom.address()](const caf::down_msg& x) {
      if (x.source == from)
        f(x.reason);
    });
  self->monitor(whom);
#endif
}

/// Sends from nobody, as a plain CAF program does.
template <class... Ts>
void anon_send(const caf::actor& receiver, Ts&&... xs) {
#if TROUPE_CAF_1
  caf::anon_mail(std::forward<Ts>(xs)...).send(receiver);
#else
  caf::anon_send(receiver, std::forward<Ts>(xs)...);
#endif
}

/// Makes what a mailbox holds.
inline caf::mailbox_element_ptr make_element(caf::strong_actor_ptr sender,
                                             caf::message_id mid,
                                             caf::message content) {
#if TROUPE_CAF_1
  return caf::make_mailbox_element(std::move(sender), mid, std::move(content));
#else
  return caf::make_mailbox_element(std::move(sender), mid,
                                   caf::mailbox_element::forwarding_stack{},
                                   std::move(content));
#endif
}

/// In CAF 0.18, whatever spawns an actor leaves a share in the actor system's
/// logger with its thread, and the system does not go down before a thread that
/// is not its own has ended. While this lives, a thread may spawn: what it did
/// not have before is taken away again.
class no_trace {
public:
#if TROUPE_CAF_1
  no_trace() noexcept {
    // Nothing to do.
  }
#else
  no_trace() noexcept : clean_(caf::logger::current_logger() == nullptr) {
    // nop
  }

  ~no_trace() {
    if (clean_)
      caf::logger::set_current_actor_system(nullptr);
  }
#endif

  no_trace(const no_trace&) = delete;

  no_trace& operator=(const no_trace&) = delete;

#if !TROUPE_CAF_1
private:
  bool clean_;
#endif
};

/// Whether the system's logger wants lines of this level.
inline bool logs(caf::actor_system& sys, unsigned level) {
  return sys.logger().accepts(level, "troupe");
}

/// Writes one line to the system's logger, from any thread. CAF's own macros
/// are compiled out of most builds of CAF; a user's logger settings are not.
inline void log(caf::actor_system& sys, unsigned level, std::string text) {
#if TROUPE_CAF_1
  sys.logger().legacy_api_log(level, "troupe", std::move(text));
#else
  sys.logger().log(
    caf::logger::event(level, __LINE__, "troupe", "troupe", "troupe", "troupe",
                       std::move(text), std::this_thread::get_id(),
                       caf::logger::thread_local_aid(), caf::make_timestamp()));
#endif
}

} // namespace troupe::compat
