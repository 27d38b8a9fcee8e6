// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/idle_wait.hpp"
#include "troupe/detail/typed_queue.hpp"
#include "troupe/fwd.hpp"
#include "troupe/received.hpp"
#include "troupe/time.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe::detail {

/// Gives one message, or none: see `queue_consumer::get_message`.
class message_queue::awaiter : public idle_wait {
public:
  /// Whether those in progress are handled when this one is asked for.
  enum class order : bool { next, another };

  [[nodiscard]] bool await_ready();

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return wait_for_message();
  }

  void stop_asked() noexcept override;

protected:
  awaiter(worker_core& core, message_queue& queue, time_point until,
          order which = order::next) noexcept;

  ~awaiter() override;

  /// Takes the message that ended the wait as a `T`.
  template <class T>
  [[nodiscard]] std::optional<T> take_as() {
    auto got = take();
    if (!got)
      return std::nullopt;
    auto& typed = static_cast<typename typed_queue<T>::typed_node&>(*got);
    const auto stays = queue_->keeps_content();
    std::optional<T> result{typed.take_or_copy(stays)};
    if (stays)
      queue_->keep(get_core(), std::move(got));
    return result;
  }

  /// Whether a wait that has ended without a message is to be the last one.
  [[nodiscard]] bool is_last() const noexcept;

  /// Takes the message that ended the wait.
  [[nodiscard]] node_ptr take() noexcept;

  [[nodiscard]] message_queue& source() const noexcept {
    return *queue_;
  }

private:
  friend class message_queue;

  struct alarm : timer {
    explicit alarm(awaiter& who) noexcept;

    awaiter& who;
  };

  /// Which line of the queue it is in.
  enum class place : std::uint8_t { nowhere, waiting, promised };

  bool wait_for_message();

  void move_to(place where) noexcept;

  void leave_line() noexcept;

  void promise(node_ptr x) noexcept;

  message_queue* queue_;
  time_point until_;
  const order which_;
  bool pausing_ = false;
  bool done_ = false; // out of all lines for good
  bool armed_ = false;

  // Guarded by the queue's lock, unless it is done.
  place at_ = place::nowhere;
  node_ptr got_;
  awaiter* next_in_line_ = nullptr;
  awaiter* previous_in_line_ = nullptr;

  alarm alarm_;
};

/// A message in progress that its holder may need more than once. Unless it is
/// `done()`, its content is kept for whatever becomes of it.
class message_queue::given_out {
public:
  given_out(worker_core& core, message_queue& queue, node_ptr what) noexcept
    : core_(&core), queue_(&queue), what_(std::move(what)) {
    // nop
  }

  given_out(given_out&&) noexcept = default;

  ~given_out() {
    if (what_)
      queue_->keep(*core_, std::move(what_));
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return what_ != nullptr;
  }

  [[nodiscard]] node& what() const noexcept {
    return *what_;
  }

  /// It has been handled.
  void done() noexcept {
    what_.reset();
  }

  /// The callback has failed on it for good: a dead letter.
  void failed() noexcept {
    queue_->end_message(*core_, std::move(what_), fate::failed);
  }

  /// A stop came before it could be tried again: it waits for the next life of
  /// the worker if that is to come, else it has failed.
  void put_off() noexcept {
    queue_->end_message(*core_, std::move(what_), fate::put_off);
  }

private:
  worker_core* core_;
  message_queue* queue_;
  node_ptr what_;
};

/// Takes out all that is queued; lost unless `done()`.
class message_queue::handover {
public:
  handover(worker_core& core, message_queue& queue);

  handover(const handover&) = delete;

  handover& operator=(const handover&) = delete;

  ~handover();

  /// The first one of a list.
  [[nodiscard]] node* first() const noexcept {
    return first_;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// It has been handed over.
  void done() noexcept;

private:
  void end(fate how) noexcept;

  worker_core* core_;
  message_queue* queue_;
  node* first_ = nullptr;
  std::size_t size_ = 0;
};

/// Gives one message with the means to end it, or none.
class given_out_awaiter final : public message_queue::awaiter {
public:
  given_out_awaiter(worker_core& core, message_queue& queue) noexcept
    : awaiter(core, queue, never) {
    // nop
  }

  message_queue::given_out await_resume() noexcept {
    return {get_core(), source(), take()};
  }
};

/// A wait for such a message that has not begun.
class [[nodiscard("co_await it")]] given_out_awaitable {
public:
  given_out_awaitable(worker_core& core, message_queue& queue) noexcept
    : core_(&core), queue_(&queue) {
    // nop
  }

  given_out_awaiter operator co_await() const noexcept {
    return given_out_awaiter{*core_, *queue_};
  }

private:
  worker_core* core_;
  message_queue* queue_;
};

/// Gives one `T`, or none.
template <class T>
class message_awaiter final : public message_queue::awaiter {
public:
  message_awaiter(worker_core& core, message_queue& queue,
                  time_point until) noexcept
    : message_queue::awaiter(core, queue, until) {
    // nop
  }

  std::optional<T> await_resume() {
    return this->template take_as<T>();
  }
};

/// The same, and says why there is none.
template <class T>
class timed_message_awaiter final : public message_queue::awaiter {
public:
  timed_message_awaiter(worker_core& core, message_queue& queue,
                        time_point until) noexcept
    : message_queue::awaiter(core, queue, until) {
    // nop
  }

  received<T> await_resume() {
    auto result = this->template take_as<T>();
    const auto timed_out = !result && !is_last();
    return access::make<received<T>>(std::move(result), timed_out);
  }
};

/// A wait for a message that has not begun.
template <class Awaiter>
class [[nodiscard("co_await it")]] basic_message_awaitable {
public:
  basic_message_awaitable(worker_core& core, message_queue& queue,
                          time_point until) noexcept
    : core_(&core), queue_(&queue), until_(until) {
    // nop
  }

  Awaiter operator co_await() const noexcept {
    return Awaiter{*core_, *queue_, until_};
  }

private:
  worker_core* core_;
  message_queue* queue_;
  time_point until_;
};

template <class T>
using message_awaitable = basic_message_awaitable<message_awaiter<T>>;

template <class T>
using timed_message_awaitable
  = basic_message_awaitable<timed_message_awaiter<T>>;

} // namespace troupe::detail
