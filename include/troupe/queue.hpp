// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/clock.hpp"
#include "troupe/fiber.hpp"
#include "troupe/fwd.hpp"
#include "troupe/idle_wait.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>
#include <caf/message.hpp>
#include <caf/type_id.hpp>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

namespace troupe {

/// Where the messages of a queue are. A consistent snapshot: at any time
/// `sent == handled + in_progress + queued + dead_letters()`.
struct queue_counts {
  /// All messages that somebody tried to send.
  std::uint64_t sent = 0;
  /// Those the worker is done with.
  std::uint64_t handled = 0;
  /// The one that `get_message` gave out last, until the next `get_message` or
  /// the worker's end.
  std::uint64_t in_progress = 0;
  /// Those that wait.
  std::uint64_t queued = 0;
  /// Dead letters: refused, because the worker was stopping or had ended.
  std::uint64_t closed = 0;
  /// Dead letters: still queued when the worker was stopped or ended.
  std::uint64_t discarded = 0;
  /// Dead letters: in progress when the worker failed, or was forced.
  std::uint64_t lost = 0;
  /// Dead letters: queued or in progress when the worker was abandoned.
  std::uint64_t abandoned = 0;

  /// The sum of all dead letters.
  [[nodiscard]] std::uint64_t dead_letters() const noexcept {
    return closed + discarded + lost + abandoned;
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, queue_counts& x) {
    return f.object(x).fields(
      f.field("sent", x.sent), f.field("handled", x.handled),
      f.field("in_progress", x.in_progress), f.field("queued", x.queued),
      f.field("closed", x.closed), f.field("discarded", x.discarded),
      f.field("lost", x.lost), f.field("abandoned", x.abandoned));
  }
};

/// The part of a queue that does not depend on the type of its messages: it
/// belongs to the worker's cell, so it survives the worker, and all members are
/// thread-safe unless they say otherwise.
class message_queue {
public:
  /// What holds a message: a link in the queue.
  struct node {
    node() = default;
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    virtual ~node() = default;

    node* next = nullptr;
    std::uint64_t number = 0; // in the order of arrival
  };

  using node_ptr = std::unique_ptr<node>;

  /// Waits for a message: what `queue_consumer::get_message` is made of.
  class awaiter;

  message_queue() = default;

  message_queue(const message_queue&) = delete;

  message_queue& operator=(const message_queue&) = delete;

  virtual ~message_queue();

  /// Makes a node of a CAF message.
  /// @returns null if the queue does not take messages of that type.
  [[nodiscard]] virtual node_ptr convert(caf::message& msg) = 0;

  /// Appends `x`, or hands it to whoever waits for it.
  /// @returns whether the queue took it.
  bool push(node_ptr x);

  /// Refuses messages from now on. What is queued stays.
  /// @param give_out Whether `get_message` still gives out what is queued.
  void close(bool give_out) noexcept;

  /// Gives nothing out until `reopen()`; takes messages all the same.
  void suspend() noexcept;

  /// Another life begins: takes messages, and gives them out.
  void reopen() noexcept;

  /// Whoever took messages out does not come back: forgets the waits, and
  /// counts the message in progress as abandoned. What is queued stays.
  void let_go() noexcept;

  /// How an incarnation left its message in progress behind.
  enum class leave : std::uint8_t { handled, lost, abandoned };

  /// Refuses messages from now on and turns what is queued into dead letters.
  void discard(leave how) noexcept;

  /// Ends the message in progress.
  void settle(leave how) noexcept;

  [[nodiscard]] queue_counts counts() const;

private:
  friend class awaiter;

  [[nodiscard]] node_ptr pop_front() noexcept;

  void give_back(node_ptr x) noexcept;

  void settle_locked(leave how) noexcept;

  mutable std::mutex mtx_;
  node* first_ = nullptr;
  node* last_ = nullptr;
  awaiter* first_awaiter_ = nullptr;
  awaiter* last_awaiter_ = nullptr;
  queue_counts counts_;
  bool closed_ = false;
  bool give_out_ = true;
};

/// Gives one message, or none: see `queue_consumer::get_message`.
class message_queue::awaiter : public idle_wait {
public:
  [[nodiscard]] bool await_ready();

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return wait_for_message();
  }

  void stop_asked() noexcept override;

protected:
  awaiter(cell& home, message_queue& queue, time_point until) noexcept;

  ~awaiter() override;

  /// Takes the message that ended the wait.
  [[nodiscard]] node_ptr take() noexcept;

private:
  friend class message_queue;

  struct alarm : timer {
    explicit alarm(awaiter& who) noexcept;

    awaiter& who;
  };

  bool wait_for_message();

  void count_in() noexcept;

  void leave_line() noexcept;

  message_queue* queue_;
  node_ptr got_;
  awaiter* next_in_line_ = nullptr;
  awaiter* previous_in_line_ = nullptr;
  time_point until_;
  bool in_line_ = false;
  bool pausing_ = false;
  bool counted_ = false;
  bool armed_ = false;
  alarm alarm_;
};

/// Whether CAF can carry a `T` in a message.
template <class T>
concept sendable = caf::has_type_id_v<T> && std::copy_constructible<T>;

/// What a queue of `T` takes: a `T`, and for a variant each of its
/// alternatives as well.
template <class T>
struct queue_types {
  /// Whether CAF knows what the queue takes.
  static constexpr bool have_type_ids = caf::has_type_id_v<T>;

  static bool convert(caf::message& msg, std::optional<T>& result) {
    if constexpr (sendable<T>) {
      if (msg.match_elements<T>()) {
        result.emplace(std::move(msg.get_mutable_as<T>(0)));
        return true;
      }
    }
    return false;
  }
};

/// @copydoc queue_types
template <class... Ts>
struct queue_types<std::variant<Ts...>> {
  using value_type = std::variant<Ts...>;

  /// The alternatives are enough: the variant itself need not be a message.
  static constexpr bool have_type_ids = (caf::has_type_id_v<Ts> && ...);

  static bool convert(caf::message& msg, std::optional<value_type>& result) {
    if constexpr (sendable<value_type>) {
      if (msg.match_elements<value_type>()) {
        result.emplace(std::move(msg.get_mutable_as<value_type>(0)));
        return true;
      }
    }
    return (convert_one<Ts>(msg, result) || ...);
  }

private:
  template <class U>
  static bool
  convert_one(caf::message& msg, std::optional<value_type>& result) {
    if constexpr (sendable<U>) {
      if (msg.match_elements<U>()) {
        result.emplace(std::move(msg.get_mutable_as<U>(0)));
        return true;
      }
    }
    return false;
  }
};

/// The queue of a `queue_consumer<T>`.
template <class T>
class typed_queue final : public message_queue {
public:
  struct typed_node final : node {
    explicit typed_node(T x) : value(std::move(x)) {
      // nop
    }

    T value;
  };

  [[nodiscard]] node_ptr convert(caf::message& msg) override {
    std::optional<T> value;
    if (!queue_types<T>::convert(msg, value))
      return nullptr;
    return std::make_unique<typed_node>(std::move(*value));
  }

  /// Appends `x`.
  /// @returns whether the queue took it.
  bool push(T x) {
    return message_queue::push(std::make_unique<typed_node>(std::move(x)));
  }
};

/// Gives one `T`, or none.
template <class T>
class message_awaiter final : public message_queue::awaiter {
public:
  message_awaiter(cell& home, message_queue& queue, time_point until) noexcept
    : message_queue::awaiter(home, queue, until) {
    // nop
  }

  std::optional<T> await_resume() {
    auto got = take();
    if (!got)
      return std::nullopt;
    auto& typed = static_cast<typename typed_queue<T>::typed_node&>(*got);
    return std::optional<T>{std::move(typed.value)};
  }
};

/// A wait for a message that has not begun.
template <class T>
class [[nodiscard("co_await it")]] message_awaitable {
public:
  message_awaitable(cell& home, message_queue& queue, time_point until) noexcept
    : home_(&home), queue_(&queue), until_(until) {
    // nop
  }

  message_awaiter<T> operator co_await() const noexcept {
    return message_awaiter<T>{*home_, *queue_, until_};
  }

private:
  cell* home_;
  message_queue* queue_;
  time_point until_;
};

} // namespace troupe
