// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dead_letter.hpp"
#include "troupe/detail/arrivals.hpp"
#include "troupe/detail/inbox.hpp"
#include "troupe/detail/message_sink.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/options.hpp"
#include "troupe/queue_counts.hpp"
#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::rules {

enum class patience : std::uint8_t;

} // namespace troupe::rules

namespace troupe::detail {

class runtime;

template <class T>
class stream;

class message_queue;

class submission;

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

  /// Several of them.
  class batch;

  /// All that was queued, on its way to `queue_consumer::hand_over`.
  class handover;

  /// The work that is left for when the queue's lock is no longer held.
  class after_unlock;

  /// The messages of a queue that is discarded.
  class backlog;

  /// A message whose sender waits until there is room for it.
  class waiting_sender;

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

  /// Whether anything is queued.
  [[nodiscard]] bool holds_any() const noexcept;

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
  /// All are counted when it returns. The first few thousand are destroyed and
  /// told by then, fewer if that takes long; the others on a thread of their
  /// own: a million take as long as a deadline.
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

  /// Gives out one more message, beside those in progress, if there is one.
  [[nodiscard]] node_ptr take_another(const worker_core& core) noexcept;

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

  void collect_some() noexcept;

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

  void bury_elsewhere(backlog rest) noexcept;

  void report_handled(std::uint64_t n) noexcept;

  /// After so many arrivals others have their turn with the lock.
  static constexpr std::size_t collected_at_once = 8192;

  /// So many messages become dead letters on the thread that discards them, if
  /// they do not take longer than that.
  static constexpr std::size_t buried_at_once = 4096;
  static constexpr timespan buried_for = std::chrono::milliseconds{10};

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

} // namespace troupe::detail
