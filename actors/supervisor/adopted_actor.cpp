// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A plain CAF actor as a child: a worker that lives as long as the actor does.

#include "system/caf_compat.hpp"
#include "troupe/child.hpp"
#include "troupe/event.hpp"
#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"
#include "worker/worker_role.hpp"

#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// Whether an actor that ended with this reason ended normally. (S23)
bool is_normal(const caf::error& reason) {
  return !reason || reason == caf::exit_reason::normal
         || reason == caf::exit_reason::user_shutdown;
}

caf::strong_actor_ptr not_null(caf::strong_actor_ptr made) {
  if (!made)
    throw std::runtime_error{"the factory returned a null handle"};
  return made;
}

class adopted_actor final : public worker {
public:
  /// @param use Shared, since a coroutine refers to the function object that it
  ///            is.
  /// @param who The actor; null if it is made when this starts.
  explicit adopted_actor(std::shared_ptr<actor_functions> use,
                         caf::strong_actor_ptr who)
    : use_(std::move(use)), who_(std::move(who)) {
    // nop
  }

  ~adopted_actor() override {
    // However this worker ended: the actor does not outlive it.
    if (who_ && !end_->reached)
      tell_exit(caf::exit_reason::kill);
    if (shown_ != nullptr)
      shown_->set_public_actor(nullptr);
  }

  task<> on_startup() override {
    if (!who_) {
      co_await wait_for_actor();
      if (!who_)
        co_return;
    }
    shown_ = &get_core();
    shown_->set_public_actor(who_);
    compat::watch_end(self(), caf::actor_cast<caf::actor>(who_),
                      [weak = std::weak_ptr<ending>{end_}](
                        const caf::error& reason) {
                        if (auto end = weak.lock()) {
                          end->reached = true;
                          end->reason = reason;
                          end->signal.set();
                        }
                      });
  }

  task<> run() override {
    {
      auto either = when_any(until_gone(), stop_requested());
      co_await std::move(either);
    }
    if (!end_->reached) {
      tell_exit(caf::exit_reason::user_shutdown);
      co_await end_->signal;
    }
    if (!is_normal(end_->reason))
      fail(end_->reason);
  }

  task<> on_shutdown() override {
    // After a force: it is not over before the actor is.
    if (who_ && !end_->reached) {
      tell_exit(caf::exit_reason::kill);
      co_await end_->signal;
    }
    if (who_ && use_->on_stopped) {
      auto call = use_->on_stopped(who_);
      co_await std::move(call);
    }
  }

  void after_shutdown(const outcome&) override {
    // A lookup finds nobody now, until the next life.
    if (auto* core = std::exchange(shown_, nullptr))
      core->set_public_actor(nullptr);
  }

private:
  /// Shared with the callback that tells of the end, which may come late.
  struct ending {
    bool reached = false;
    caf::error reason;
    event signal;
  };

  /// There is none afterwards if a stop came first.
  task<> wait_for_actor() {
    auto either = when_any(use_->make_later(get_core().rt().system()),
                           stop_requested());
    auto first = co_await std::move(either);
    if (auto* made = std::get_if<0>(&first.value))
      who_ = not_null(std::move(*made));
  }

  task<> until_gone() {
    co_await end_->signal;
  }

  void tell_exit(caf::exit_reason why) {
    who_->enqueue(
      compat::make_element(nullptr, caf::make_message_id(),
                           caf::make_message(caf::exit_msg{
                             caf::actor_cast<caf::actor_addr>(who_), why})),
      nullptr);
  }

  std::shared_ptr<actor_functions> use_;
  caf::strong_actor_ptr who_;
  worker_core* shown_ = nullptr;
  std::shared_ptr<ending> end_ = std::make_shared<ending>();
};

class adopted_role final : public worker_role {
public:
  using worker_role::worker_role;
};

constinit const adopted_role role_of_adopted{child_kind::actor};

template <class F>
class adopted_factory final : public worker_factory<adopted_actor, F> {
public:
  using worker_factory<adopted_actor, F>::worker_factory;

  [[nodiscard]] const worker_role& role() const noexcept override {
    return role_of_adopted;
  }
};

} // namespace

child_spec child_actor(std::string name, child_options options,
                       actor_functions functions) {
  auto call = [use = std::make_shared<actor_functions>(std::move(functions))](
                caf::actor_system& sys) {
    return std::make_unique<adopted_actor>(use, use->make
                                                  ? not_null(use->make(sys))
                                                  : nullptr);
  };
  using factory = adopted_factory<decltype(call)>;
  return {std::move(name), std::move(options),
          std::make_shared<factory>(std::move(call))};
}

} // namespace troupe
