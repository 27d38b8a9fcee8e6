// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/thread_job.hpp"
#include "troupe/fwd.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace troupe::detail {

class fiber_group;
class promise_base;

/// The hook of a suspended coroutine; each awaiter embeds one.
///
/// A wait has one life for each suspension: `begin()` in `await_suspend`, then
/// at most one successful `post()`, by the code that knows the wait is over,
/// then the strand resumes the coroutine. To write an awaitable is to embed a
/// wait and to see to it that somebody posts it:
///
/// ~~~
/// class my_awaiter {
/// public:
///   explicit my_awaiter(source& s) : source_(s) {}
///   ~my_awaiter() { source_.remove(wait_); } // nobody posts after this line
///   bool await_ready() { return source_.ready(); }
///   template <class Promise>
///   void await_suspend(std::coroutine_handle<Promise> h) {
///     wait_.begin(h.promise()); // first: from here on it may be posted
///     source_.add(wait_);       // the source calls wait_.post(), maybe twice
///   }
///   int await_resume() { return source_.take(); }
/// private:
///   source& source_;
///   wait wait_; // before the members that may post it: destroyed after them
/// };
/// ~~~
///
/// An awaitable is the cheap, movable description: `operator co_await() &&`
/// makes the awaiter from it, which is neither copied nor moved.
///
/// **Who may call what.** All members belong to the strand's own thread, except
/// `post()`, which any thread may call. A thread that posts from elsewhere must
/// know that the wait is alive *while* it calls: the awaiter's destructor has
/// to call something that returns only when no such call is under way and none
/// will follow (`clock::cancel()` is such a function; so is to take the lock
/// under which the other side posts). A wait that was posted before is safe:
/// its destructor takes it from the strand's list.
class wait {
public:
  wait() noexcept = default;

  wait(const wait&) = delete;

  wait& operator=(const wait&) = delete;

  ~wait();

  // -- properties -------------------------------------------------------------

  /// Whether it has begun and nobody has posted it yet.
  [[nodiscard]] bool waiting() const noexcept {
    return state_.load(std::memory_order_acquire) == state::waiting;
  }

  /// Whether it is in a `wait_list`.
  /// @pre it is not posted
  [[nodiscard]] bool listed() const noexcept {
    return previous_ != nullptr;
  }

  /// The strand of the coroutine that waits.
  /// @pre it has begun
  [[nodiscard]] strand& get_strand() const noexcept;

  /// The fiber that waits.
  /// @pre it has begun
  [[nodiscard]] fiber& owner() const noexcept {
    return *fiber_;
  }

  // -- modifiers --------------------------------------------------------------

  /// Makes the coroutine of this promise wait. Called in `await_suspend`,
  /// before anybody gets to know the wait, and only if the coroutine then does
  /// suspend.
  void begin(promise_base& who) noexcept;

  /// Takes `begin()` back, for an `await_suspend` that finds that there is
  /// nothing to wait for and returns `false`.
  void withdraw() noexcept;

  /// Says that the wait is over: the coroutine goes on when its strand gets to
  /// it. Any thread; see above for what the caller must know.
  /// @returns whether this call ended it; `false` if another one had done so.
  bool post() noexcept;

  /// As `post()`, but gives all others their turn first: `strand::run_ready`
  /// ends before it rather than to resume it after something else.
  bool post_last() noexcept;

protected:
  /// How a fiber treats it, beyond resuming the coroutine.
  enum class kind : std::uint8_t { plain, joined, group };

  explicit wait(kind what) noexcept : kind_(what) {
    // nop
  }

private:
  friend class fiber;
  friend class fiber_group;
  friend class strand;
  friend class wait_list;

  enum class state : std::uint8_t { idle, waiting, posted };

  // The two links serve a `wait_list`, then the strand's ready list: a wait is
  // never in both.
  wait* next_ = nullptr;
  wait* previous_ = nullptr;
  fiber* fiber_ = nullptr;
  std::atomic<state> state_ = state::idle;
  kind kind_ = kind::plain;
  bool last_ = false;
};

/// A wait that has something running on another thread which uses the
/// coroutine's frame, so that the frame must not be destroyed before that has
/// come back. When the fiber is cancelled, and it is too late for
/// `take_back()`, `give_up()` is called, and the frame is destroyed once the
/// wait has been posted.
class joined_wait : public wait {
public:
  joined_wait() noexcept : wait(kind::joined) {
    // nop
  }

  /// Asks what runs to come to an end.
  virtual void request_stop() noexcept = 0;

  /// Tells what runs that nobody wants it any more. Once or more.
  virtual void give_up() noexcept {
    request_stop();
  }

  /// Takes back what has not begun yet.
  /// @returns whether it did, so that nobody uses the frame or posts the wait.
  virtual bool take_back() noexcept {
    return false;
  }

protected:
  ~joined_wait() = default;
};

/// A first-in, first-out list of waits, for what several coroutines of one
/// strand can wait for. Takes no memory of its own; the waits are its nodes.
///
/// It belongs to the strand's thread. A wait must be taken out before it is
/// posted.
class wait_list {
public:
  wait_list() noexcept = default;

  wait_list(const wait_list&) = delete;

  wait_list& operator=(const wait_list&) = delete;

  /// Lets go of all waits. Nobody will post them.
  ~wait_list() {
    while (pop_front() != nullptr) {
      // nop
    }
  }

  [[nodiscard]] bool empty() const noexcept {
    return first_ == nullptr;
  }

  /// The first wait, or null.
  [[nodiscard]] wait* front() const noexcept {
    return first_;
  }

  void push_back(wait& x) noexcept;

  /// Takes out the first wait and returns it, or null when there is none.
  wait* pop_front() noexcept;

  /// Takes out `x`, if it is in.
  void erase(wait& x) noexcept;

private:
  friend class strand;

  // The list is a ring.
  wait* first_ = nullptr;
};

/// Where coroutines run one at a time, on one thread after another: each worker
/// is one. It keeps the list of coroutines that can go on.
///
/// **Waking.** A strand is idle or scheduled. The first `post()` on an idle one
/// calls `wake()`, once, and makes it scheduled; it becomes idle again when the
/// last coroutine that could go on was resumed or destroyed. So a posting
/// thread wakes an idle strand once, and a busy one never. After each
/// `run_ready()` the caller asks `has_ready()`, and when the answer is yes
/// arranges for the next call itself; no `wake()` comes for it. (A wake-up may
/// find nothing to do, because the coroutine was destroyed meanwhile.)
///
/// The strand must outlive the fibers on it, and the calls of `run_ready()` and
/// `fiber::start()` that run on it.
class strand {
public:
  strand() noexcept = default;

  strand(const strand&) = delete;

  strand& operator=(const strand&) = delete;

  virtual ~strand() = default;

  // -- from any thread --------------------------------------------------------

  /// Makes the coroutine behind `x` go on; see `wait::post`.
  bool post(wait& x) noexcept;

  /// Keeps the strand alive until `drop_ref()`, so that another thread may
  /// post.
  virtual void hold_ref() noexcept = 0;

  /// Undoes `hold_ref()`.
  virtual void drop_ref() noexcept = 0;

  // -- on the strand's own thread ---------------------------------------------

  /// Resumes the coroutines whose waits were posted, in the order of posting,
  /// also those that are posted meanwhile.
  /// @param max The most that are resumed before others have their turn, which
  ///            they have before that when it is `out_of_time()`.
  /// @returns how many were resumed.
  std::size_t run_ready(std::size_t max);

  /// Whether a coroutine can go on.
  [[nodiscard]] bool has_ready() const noexcept;

  /// Takes `x` from the list if it was posted and not yet resumed.
  void forget(wait& x) noexcept;

  /// Runs `what` on a thread that may block, perhaps not before others have
  /// come to their end. May throw if there is no thread to be had; may destroy
  /// `what` without running it when it never will.
  virtual void run_on_thread(std::unique_ptr<thread_job> what, thread_use how)
    = 0;

  /// Takes back what was given to `run_on_thread` and has not been destroyed.
  /// @returns the job, or null if it has begun.
  virtual std::unique_ptr<thread_job> take_back(thread_job& what) noexcept = 0;

protected:
  /// Has `step_begins()` called before each coroutine that is resumed.
  void watch_steps() noexcept {
    watched_ = true;
  }

  /// A coroutine is about to be resumed, see `watch_steps`.
  virtual void step_begins() noexcept {
    // nop
  }

  /// Whether others should have the thread by now: `run_ready()` ends then. It
  /// asks now and then.
  virtual bool out_of_time() noexcept {
    return false;
  }

  /// Arranges that `run_ready()` is called soon, on the strand's own thread.
  /// Called on any thread, with the locks held that a posting thread holds; so
  /// it must not block, nor run anything of the strand itself.
  virtual void wake() noexcept = 0;

private:
  friend class fiber;
  friend class fiber_group;

  [[nodiscard]] static wait* scheduled() noexcept;

  void fetch() noexcept;

  void settle() noexcept;

  // Posted waits, the latest first, linked by `next_`. Null when idle.
  std::atomic<wait*> inbox_ = nullptr;

  // Posted waits that the strand's thread has fetched, the oldest first.
  wait_list ready_;

  // How many fibers are on the stack.
  std::uint16_t nesting_ = 0;

  // Whether `run_ready()` is.
  bool running_ = false;

  bool watched_ = false;
};

} // namespace troupe::detail
