// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dead_letter.hpp"
#include "troupe/detail/arrivals.hpp"
#include "troupe/detail/inbox.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/fwd.hpp"
#include "troupe/options.hpp"
#include "troupe/queue_counts.hpp"
#include "troupe/time.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/type_id.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace troupe {

namespace rules {

enum class patience : std::uint8_t;

} // namespace rules

class runtime;

template <class T>
class stream;

class message_queue;

class submission;

/// The fate of a message that was sent.
enum class receipt : std::uint8_t {
  taken,  ///< It is queued.
  full,   ///< A dead letter: there was no room.
  closed, ///< A dead letter: the queue takes no more.
  held,   ///< Its sender waits for room.
};

/// Holds a message: a link in a queue.
struct message_node {
  message_node() = default;
  message_node(const message_node&) = delete;
  message_node& operator=(const message_node&) = delete;
  virtual ~message_node() = default;

  /// Gives the message away, for a dead letter: empty if it cannot be sent.
  [[nodiscard]] virtual caf::message content() = 0;

  message_node* next = nullptr;
  std::uint64_t number = 0; // in the order of arrival
  int again = 0;            // how often it was given out once more
  bool spent : 1 = false;   // somebody has got what it held
  bool dead : 1 = false;    // a dead letter, for this reason
  dead_letter_reason reason = dead_letter_reason::closed;
  std::uint16_t partition = 0; // where its key belongs, in a pool
  std::exception_ptr thrown;   // by the callback that failed on it last
};

/// Takes messages for a worker: its queue, or a pool, which has more than one.
/// Thread-safe.
class message_sink {
public:
  virtual ~message_sink();

  /// Notes in a message where it belongs. Calls code of the user, which may
  /// throw.
  virtual void assign(message_node& x) const;

  /// Takes a message, or has its sender wait for room.
  virtual receipt submit(submission& x) = 0;

  /// The messages so far, by their fate.
  [[nodiscard]] virtual queue_counts counts() noexcept = 0;
};

/// The queues of a pool, as each of them sees the others. Thread-safe.
class queue_group {
public:
  virtual ~queue_group();

  /// While it is held, nothing moves from one queue to another.
  [[nodiscard]] virtual std::unique_lock<std::mutex> lock() const = 0;

  /// `from` lives in this core from now on.
  virtual void housed(const message_queue& from, worker_core& in) = 0;

  /// Moves the messages left in `from`, which is closed, to the others.
  /// @param messages Whether that means the messages, or only those who wait
  ///                 for room. By key it always does: else a message that comes
  ///                 would be handled before them.
  virtual void take_over(message_queue& from, bool messages) noexcept = 0;
};

/// The part of a queue that does not depend on the type of its messages: it
/// belongs to the worker's core, so it survives the worker, and all members are
/// thread-safe unless they say otherwise.
///
/// It may outlive every core of its worker, in the hands of a pool or of a
/// handle to an earlier life. So it points to none of them.
class message_queue : public message_sink,
                      public std::enable_shared_from_this<message_queue> {
public:
  using node = message_node;

  using node_ptr = std::unique_ptr<node>;

  /// Waits for a message; `queue_consumer::get_message` is made of it.
  class awaiter;

  /// A message that was given out and has its content still.
  class given_out;

  /// All that was queued, on its way to `queue_consumer::hand_over`.
  class handover;

  /// The work that is left for when the queue's lock is no longer held.
  class after_unlock;

  /// More messages than are made dead letters at once.
  class backlog;

  /// A message whose sender waits until there is room for it.
  class waiting_sender {
  public:
    waiting_sender(const waiting_sender&) = delete;

    waiting_sender& operator=(const waiting_sender&) = delete;

    /// That of its message.
    /// @pre it has not been decided
    [[nodiscard]] std::uint16_t partition() const noexcept {
      return what_->partition;
    }

  protected:
    explicit waiting_sender(node_ptr what) noexcept;

    virtual ~waiting_sender();

    /// The queue has taken the message, or takes no more. Called with the
    /// queue's lock held, once, after the sender has left the line.
    virtual void decided(bool taken, after_unlock& out) noexcept = 0;

  private:
    friend class message_queue;
    friend class troupe::submission;

    node_ptr what_;
    message_queue* queue_ = nullptr; // in whose it is, or was; its sender, or
                                     // what it waits in, holds that or its pool
    waiting_sender* next_ = nullptr;
    waiting_sender* previous_ = nullptr;
    bool held_ = false;
  };

  message_queue() = default;

  message_queue(const message_queue&) = delete;

  message_queue& operator=(const message_queue&) = delete;

  ~message_queue() override;

  /// Makes a node of a CAF message.
  /// @returns null if the queue does not take messages of that type.
  [[nodiscard]] virtual node_ptr convert(caf::message& msg) = 0;

  /// Says whose queue it is and how it is to behave, which counts the first
  /// time, before anybody uses it; later cores have the same path.
  void attach(worker_core& core, const queue_options& how);

  /// The worker's lives go on in another core.
  void attach(worker_core& core);

  /// How it is to behave.
  [[nodiscard]] const queue_options& options() const noexcept {
    return options_;
  }

  // -- senders ----------------------------------------------------------------

  /// Takes a message from somebody who does not wait.
  /// @returns whether the queue took it.
  bool push(node_ptr x);

  receipt submit(submission& x) override;

  /// A function of the user's has failed on a message that was to be queued:
  /// it is a dead letter, `failed`.
  void fail(node_ptr x, std::exception_ptr thrown) noexcept;

  /// Holds a message that could not be made one of a queue's.
  [[nodiscard]] static node_ptr hold_unread(caf::message x);

  /// `who` waits no longer. Its message is not sent, unless that was decided
  /// before.
  void withdraw(waiting_sender& who) noexcept;

  // -- the life of the worker -------------------------------------------------

  /// Refuses messages from now on. Queued messages stay. May be called with a
  /// lock held, so those who wait for room are left to `refuse_waiting`.
  /// Without effect if it is closed.
  /// @param give_out Whether `get_message` still gives out what is queued.
  void close(bool give_out) noexcept;

  /// Tells those who wait for room that there will be none.
  /// @pre it is closed
  void refuse_waiting() noexcept;

  /// Gives nothing out until `reopen()`; takes messages all the same.
  void suspend() noexcept;

  /// Another life begins: takes messages, and gives them out.
  void reopen() noexcept;

  /// Whether it takes no more, and still gives out what is queued.
  [[nodiscard]] bool drains() const;

  /// Whether it drains, and there is something to be given out.
  [[nodiscard]] bool drain_due() const noexcept;

  /// Whether what is queued is to be handed over, and there is something.
  [[nodiscard]] bool hand_over_due() const;

  /// The worker's code does not come back: forgets its waits, and counts the
  /// message in progress as abandoned. Queued messages stay.
  void let_go() noexcept;

  /// How the progress of a message ends.
  enum class fate : std::uint8_t {
    handled,
    handed_over,
    failed,    ///< A dead letter: the callback failed on it.
    put_off,   ///< Kept for the next life if that is to come, else failed.
    crashed,   ///< Given out again in the next life, or else lost.
    lost,      ///< A dead letter.
    abandoned, ///< A dead letter.
  };

  /// Refuses messages from now on and turns what is queued into dead letters.
  /// All are counted when it returns. Of a long queue the first few thousand
  /// are destroyed and told by then, the others on a thread of their own: a
  /// million take as long as a deadline.
  /// @param how `abandoned` if the worker was, and then with what is in
  ///            progress; else anything.
  void discard(fate how) noexcept;

  /// Ends the message in progress.
  void end_message(fate how) noexcept;

  [[nodiscard]] queue_counts counts() noexcept override;

  /// The error of a message that the queue of the worker at `path` does not
  /// take.
  [[nodiscard]] static caf::error refusal(receipt why, std::string_view path);

  // -- pools ------------------------------------------------------------------

  /// Makes it one of the queues of a pool. Before anybody uses it.
  /// @param seat What the pool knows it by.
  void join(std::weak_ptr<queue_group> pool, std::uint32_t seat) noexcept {
    pool_ = std::move(pool);
    seat_ = seat;
  }

  /// The number that its pool knows it by.
  [[nodiscard]] std::uint32_t seat() const noexcept {
    return seat_;
  }

  /// The pool that it belongs to, or null.
  [[nodiscard]] std::shared_ptr<queue_group> pool() const noexcept {
    return pool_.lock();
  }

  /// The state of a queue as a sender finds it.
  struct load_info {
    bool closed;
    bool full;
    std::uint64_t pending; ///< Queued and in progress.
  };

  [[nodiscard]] load_info load() noexcept;

  /// As `submit`; but a closed queue leaves the message as it is, and
  /// uncounted, for another one.
  receipt offer(submission& x, after_unlock& out);

  /// The lists that one queue of a pool leaves to the others.
  struct leftovers {
    node* messages = nullptr;
    waiting_sender* senders = nullptr;
  };

  /// Takes the first one out of a list.
  /// @pre there is one
  [[nodiscard]] static waiting_sender*
  take_first(waiting_sender*& list) noexcept;

  /// Gives away who waits for room and, if wanted, all that is queued: as if it
  /// had never been sent here.
  [[nodiscard]] leftovers release_leftovers(bool messages) noexcept;

  /// Queues again what waits have got and not seen yet: they give none.
  /// @pre it is closed, so a wait may give none
  void break_promises() noexcept;

  /// Takes a message that another queue has given up, whatever the capacity:
  /// its sender has been told that it was taken.
  /// @param anyhow Whether it is taken though the queue is closed.
  /// @returns whether it was taken.
  bool take_over(node_ptr& x, bool anyhow) noexcept;

  /// Takes somebody whom another queue has given up.
  /// @copydetails take_over
  bool take_over(waiting_sender& who, bool anyhow, after_unlock& out) noexcept;

  // -- the worker's own code --------------------------------------------------

  /// Whether the content of a message in progress is to be kept, because it may
  /// be needed once more.
  [[nodiscard]] bool keeps_content() const noexcept;

  /// Keeps the content of a message in progress, whatever becomes of it.
  /// @param core The core of the worker that had it in hand.
  void keep(worker_core& core, node_ptr x) noexcept;

  /// Ends the message in progress, which had this content.
  void end_message(worker_core& core, node_ptr x, fate how) noexcept;

private:
  friend class awaiter;

  bool push_unlocked(node_ptr& x) noexcept;

  /// Waits in the order of their coming.
  struct line {
    awaiter* first = nullptr;
    awaiter* last = nullptr;

    void push_back(awaiter& x) noexcept;

    void erase(awaiter& x) noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
  };

  // The following members need the lock to be held.

  void collect() noexcept;

  [[nodiscard]] std::unique_lock<small_mutex> lock_collected() noexcept;

  [[nodiscard]] bool is_empty() const noexcept;

  template <class Stop>
  bool collect_unless(Stop stop) noexcept;

  void shut_inbox() noexcept;

  void open_inbox() noexcept;

  receipt take(submission& x, after_unlock& out);

  receipt decide(node_ptr& x, rules::patience sender,
                 after_unlock& out) noexcept;

  void number(node& x) noexcept;

  void accept(node_ptr x) noexcept;

  void append_new(node* x) noexcept;

  void append(node* x) noexcept;

  [[nodiscard]] node_ptr unlink_first() noexcept;

  [[nodiscard]] node_ptr unlink_oldest() noexcept;

  [[nodiscard]] node_ptr pop_front(const worker_core& core) noexcept;

  void give_back(node_ptr x) noexcept;

  void take_back_promised() noexcept;

  void begin_message(after_unlock& out) noexcept;

  void hold(waiting_sender& who) noexcept;

  void unhold(waiting_sender& who) noexcept;

  void admit(after_unlock& out) noexcept;

  void refuse_waiting(after_unlock& out) noexcept;

  void end_message(fate how, after_unlock& out) noexcept;

  bool keep(worker_core& core, node_ptr x, after_unlock& out) noexcept;

  [[nodiscard]] std::optional<backlog> write_off(fate how) noexcept;

  void report_handled() noexcept;

  /// So many messages become dead letters on the thread that discards them.
  static constexpr std::size_t buried_at_once = 4096;

  /// Size of a cache line. Senders and the worker write to different ones (no
  /// false sharing).
  static constexpr std::size_t cache_line = 64;

  // Set before anybody uses it.
  queue_options options_;
  bool keeps_content_ = false;
  bool has_lives_ = false; // its worker has an owner, and so more than one life
  std::uint32_t seat_ = 0; // in a pool
  std::string path_;       // of its worker
  std::shared_ptr<runtime> runtime_;
  stream<dead_letter>* letters_ = nullptr; // of the runtime
  std::weak_ptr<queue_group> pool_;

  // With the lock held. It stands here to fill a gap.
  arrivals<node> arrivals_;

  // The way in that needs no lock. It is open while every message that comes is
  // queued; senders touch this member alone.
  alignas(cache_line) inbox<node> inbox_;

  alignas(cache_line) mutable small_mutex mtx_;
  node* first_ = nullptr;
  node* last_ = nullptr;
  node* given_out_ = nullptr; // in progress, if their content is kept
  // Each takes itself out, with the lock held, before it goes.
  line waiting_;  // for a message
  line promised_; // have got one, and have not run since
  waiting_sender* first_sender_ = nullptr;
  waiting_sender* last_sender_ = nullptr;
  queue_counts counts_;
  time_point in_hand_since_ = never; // unless nobody counts
  bool closed_ = false;
  bool give_out_ = true;
};

/// A message on its way into a queue, and how its sender waits if there is no
/// room for it.
class submission {
public:
  /// From a sender that does not wait.
  explicit submission(message_queue::node_ptr what) noexcept;

  /// A request, which is answered when it is decided.
  submission(message_queue::node_ptr what, caf::strong_actor_ptr from,
             caf::message_id answer) noexcept;

  /// From a sender that waits.
  explicit submission(message_queue::waiting_sender& who) noexcept;

  submission(const submission&) = delete;

  submission& operator=(const submission&) = delete;

  ~submission() = default;

  /// Null when a queue has taken it.
  [[nodiscard]] message_queue::node_ptr& what() noexcept {
    return who_ != nullptr ? who_->what_ : what_;
  }

  [[nodiscard]] rules::patience sender() const noexcept {
    return sender_;
  }

  /// The sender that is to wait for room.
  /// @pre somebody waits
  [[nodiscard]] message_queue::waiting_sender& to_hold();

private:
  message_queue::node_ptr what_;
  caf::strong_actor_ptr from_;
  caf::message_id answer_;
  message_queue::waiting_sender* who_ = nullptr;
  rules::patience sender_;
};

/// Whether CAF can carry a `T` in a message.
template <class T>
concept sendable = caf::has_type_id_v<T> && std::copy_constructible<T>;

/// Takes a `T` out of a message that holds one, copying it if others have the
/// message as well.
template <class T>
[[nodiscard]] T&& take_content(caf::message& msg) {
  // Where `get_mutable_as` would do so, an exception would end the process.
  msg.force_unshare();
  return std::move(const_cast<T&>(msg.get_as<T>(0)));
}

/// The types that a queue of `T` takes: `T`, and for a variant each of its
/// alternatives as well.
template <class T>
struct queue_types {
  /// Whether CAF knows what the queue takes.
  static constexpr bool have_type_ids = caf::has_type_id_v<T>;

  static bool convert(caf::message& msg, std::optional<T>& result) {
    if constexpr (sendable<T>) {
      if (msg.match_elements<T>()) {
        result.emplace(take_content<T>(msg));
        return true;
      }
    }
    return false;
  }

  static caf::message to_message(T& x) {
    if constexpr (sendable<T>)
      return caf::make_message(std::move(x));
    else
      return {};
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
        result.emplace(take_content<value_type>(msg));
        return true;
      }
    }
    return (convert_one<Ts>(msg, result) || ...);
  }

  /// As a plain alternative, which any actor may know.
  static caf::message to_message(value_type& x) {
    return std::visit(
      [](auto& y) {
        return queue_types<std::decay_t<decltype(y)>>::to_message(y);
      },
      x);
  }

private:
  template <class U>
  static bool
  convert_one(caf::message& msg, std::optional<value_type>& result) {
    if constexpr (sendable<U>) {
      if (msg.match_elements<U>()) {
        result.emplace(take_content<U>(msg));
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

    /// Gives the message away, or a copy of it if it is to stay.
    T take_or_copy(bool stays) {
      if constexpr (std::copy_constructible<T>) {
        if (stays)
          return std::as_const(value);
      }
      spent = true;
      return std::move(value);
    }

    [[nodiscard]] caf::message content() override {
      return spent ? caf::message{} : queue_types<T>::to_message(value);
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

} // namespace troupe
