// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "base/wait_for_signal.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/send_and_block.hpp"
#include "troupe/detail/submission.hpp"
#include "troupe/detail/waiting_sender.hpp"
#include "worker/worker_core.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace troupe::detail {

namespace {

/// A thread that waits for room for its message.
class blocked_sender final : private message_queue::waiting_sender {
public:
  blocked_sender(message_queue::node_ptr what, runtime& rt) noexcept
    : waiting_sender(std::move(what)), rt_(rt) {
    // nop
  }

  ~blocked_sender() override {
    withdraw();
  }

  /// @returns what became of the message; `held` if it was not sent.
  receipt send(worker_core& to, timespan timeout, const std::stop_token& stop) {
    submission mine{*this};
    if (const auto at_once = to.sink()->submit(mine); at_once != receipt::held)
      return at_once;
    held_by_ = to.queue();
    const std::stop_callback on_stop{stop, [this] {
                                       note([this] { called_off_ = true; });
                                     }};
    const auto limit = deadline_after(rt_.time().now(), timeout);
    rt_.block_until([this] { return is_done(); }, limit,
                    [this, limit] {
                      std::unique_lock guard{mtx_};
                      wait_for_signal(woken_, guard, limit,
                                      [this] { return done(); });
                    },
                    [&to] { return "waiting for room in " + to.path(); });
    withdraw();
    return result_;
  }

private:
  /// Takes the queue's lock: from then on nothing is decided, and nobody
  /// touches this.
  void withdraw() noexcept {
    if (auto* queue = std::exchange(held_by_, nullptr))
      queue->withdraw(*this);
  }

  [[nodiscard]] bool done() const noexcept {
    return result_ != receipt::held || called_off_;
  }

  [[nodiscard]] bool is_done() {
    std::unique_lock guard{mtx_};
    return done();
  }

  template <class F>
  void note(F change) noexcept {
    {
      std::unique_lock guard{mtx_};
      change();
      woken_.notify_one();
    }
    rt_.notify();
  }

  void decided(bool taken, message_queue::after_unlock&) noexcept override {
    note([this, taken] { result_ = taken ? receipt::taken : receipt::closed; });
  }

  runtime& rt_;
  message_queue* held_by_ = nullptr;
  std::mutex mtx_;
  std::condition_variable woken_;
  receipt result_ = receipt::held;
  bool called_off_ = false;
};

} // namespace

caf::error send_and_block(const worker_handle& target,
                          message_queue::node_ptr what, timespan timeout,
                          const std::stop_token& stop) {
  auto* whom = access::core_of(target);
  if (whom == nullptr || whom->queue() == nullptr)
    return null_handle();
  if (whom->would_block())
    return caf::make_error(errc::would_block,
                           "send_wait() would block an actor's thread; inside "
                           "of a worker use co_await send_to(...)");
  const auto rt = whom->shared_rt();
  if (rt->forked())
    return error_after_fork(whom->subject());
  blocked_sender sender{std::move(what), *rt};
  const auto result = sender.send(*whom, timeout, stop);
  if (result == receipt::taken)
    return {};
  if (result != receipt::held)
    return message_queue::refusal(result, whom->path());
  if (stop.stop_requested())
    return caf::make_error(errc::cancelled,
                           whom->subject()
                             + " had no room for a message until a stop was "
                               "asked for; it was not sent");
  return caf::make_error(errc::timed_out,
                         whom->subject()
                           + " had no room for a message in time; it was not "
                             "sent");
}

} // namespace troupe::detail
