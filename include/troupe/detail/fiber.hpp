// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/completion.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/fwd.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace troupe {

template <class T>
class task_promise;

} // namespace troupe

namespace troupe::detail {

/// An address that is that of no promise.
alignas(std::max_align_t) extern const std::byte no_promise;

/// Has a frame, and does nothing; for `void`.
template <class T>
[[nodiscard]] task<T> empty_coroutine();

/// The common part of the promises of all tasks: the fiber that runs the
/// coroutine, and the coroutine that awaits it. The strand of an awaiter is
/// `h.promise().owner().get_strand()`.
class promise_base {
public:
  promise_base(const promise_base&) = delete;

  promise_base& operator=(const promise_base&) = delete;

  /// The fiber that runs this coroutine.
  /// @pre it was started
  [[nodiscard]] fiber& owner() const noexcept {
    return *fiber_;
  }

protected:
  explicit promise_base(std::coroutine_handle<> frame) noexcept
    : frame_(frame) {
    // nop
  }

  ~promise_base() = default;

  /// Destroys the frame of a coroutine that no fiber owns.
  void destroy() noexcept {
    if (fiber_ != nullptr)
      frame_.destroy();
    else
      destroy_unstarted();
  }

private:
  friend class fiber;

  // A task that was never started may have another one among its parameters,
  // and so on: beyond a certain depth they are destroyed one after another.
  void destroy_unstarted() noexcept;

  std::coroutine_handle<> frame_;
  fiber* fiber_ = nullptr;
  promise_base* caller_ = nullptr;
};

/// One line of execution on a strand: a coroutine together with everything that
/// it awaits. A fiber is to a chain of frames as a thread is to a stack.
///
/// A worker's `run()` is a fiber, each message handler that is a coroutine is
/// one, and so is each part of `when_all` and `when_any`.
///
/// ~~~
/// fiber f{strand};
/// f.start(run(), [this](completion<void> how) { ended(std::move(how)); });
/// if (!f.cancel([this](fiber&) { gone(); }))
///   report(f.in_flight());
/// ~~~
///
/// A fiber owns the frames of its coroutines while they run, and it alone
/// destroys them, innermost first, one after another: however deep they are
/// nested, that takes no stack. It runs them in a loop: a coroutine that awaits
/// another one or ends returns to the loop instead of going on in the other, so
/// that a million awaits take no stack either, whatever the compiler makes of a
/// tail call.
///
/// Everything here belongs to the strand's own thread.
class fiber {
public:
  /// Makes a fiber on a strand that outlives it. Nothing runs yet.
  explicit fiber(strand& strand) noexcept : strand_(&strand) {
    // nop
  }

  fiber(const fiber&) = delete;

  fiber& operator=(const fiber&) = delete;

  /// Destroys all frames.
  /// @pre not `running()`; and `in_flight()` is zero, or else what runs goes on
  ///      without anybody to take its result, and with references to frames
  ///      that are gone. `cancel()` waits for it.
  ~fiber();

  // -- properties -------------------------------------------------------------

  /// The strand it runs on.
  [[nodiscard]] strand& get_strand() const noexcept {
    return *strand_;
  }

  /// Whether it was started and has not ended yet.
  [[nodiscard]] bool active() const noexcept {
    return innermost_ != nullptr;
  }

  /// Whether its code is on the stack right now.
  [[nodiscard]] bool running() const noexcept {
    return running_;
  }

  /// Whether `cancel()` was called and the frames are still there.
  [[nodiscard]] bool cancelled() const noexcept {
    return cancelled_ && active();
  }

  /// Whether `request_stop()` or `cancel()` was called since it was started.
  [[nodiscard]] bool stop_requested() const noexcept {
    return stop_requested_;
  }

  /// How many offloaded calls and other joined waits, of it and of its parts,
  /// have not come back. O(parts).
  [[nodiscard]] std::size_t in_flight() const noexcept;

  // -- life -------------------------------------------------------------------

  /// Runs `body` until it suspends for the first time.
  /// @param on_done Called with the `completion<T>` once the coroutine has
  ///                ended and its frame is gone: from in here if it does not
  ///                suspend, else from `strand::run_ready`. Never after
  ///                `cancel`. It may start the fiber anew, and it may destroy
  ///                it. It must not throw, and must be no larger than a
  ///                pointer: capture `this`, or one pointer, or nothing.
  /// @pre not `active()`
  template <class T, class F>
    requires std::invocable<F&, completion<T>>
  void start(task<T> body, F on_done) {
    if constexpr (std::is_void_v<T>) {
      if (body.is_nothing()) {
        on_done(completion<void>{});
        return;
      }
    }
    prepare(std::move(body), on_done);
    run();
  }

  /// Sets the stop tokens of the offloaded calls in flight, of this fiber and
  /// of its parts, and of those that begin later.
  void request_stop() noexcept;

  /// Ends the fiber where it stands: destroys all its frames, without resuming
  /// anything. A frame that another thread is using must stay until that thread
  /// has come back: it is asked to stop, and the frames below are destroyed
  /// only then.
  ///
  /// A coroutine can never destroy itself by this: when the fiber is running,
  /// it goes on until it suspends next (or ends), and the frames are destroyed
  /// there.
  /// @param on_gone Called as `on_gone(fiber&)`, on the strand's thread, once
  ///                the frames are gone, unless they are when `cancel` returns.
  ///                It may start the fiber anew, and it may destroy it.
  ///                Restricted as `on_done`.
  /// @returns `true` if the frames are gone, and `on_gone` will not be called;
  ///          `false` if they will be. Without effect, and `false`, if it was
  ///          cancelled before and the frames are still there.
  template <class F>
    requires std::invocable<F&, fiber&>
  bool cancel(F on_gone) {
    return do_cancel(hook{[](fiber& self, void* bits) noexcept {
                            auto f = unpack<F>(bits);
                            f(self);
                          },
                          pack(on_gone)});
  }

  /// As above, without a callback.
  bool cancel() {
    return do_cancel(hook{});
  }

protected:
  // For parts, which learn their strand when their group begins.
  fiber() noexcept = default;

  template <class T, class F>
  void prepare(task<T> body, F on_done) {
    using promise_type = task_promise<T>;
    if constexpr (std::is_void_v<T>)
      if (body.is_nothing())
        body = empty_coroutine<T>();
    enter(*body.release());
    end_ = hook{[](fiber& self, void* bits) noexcept {
                  auto f = unpack<F>(bits);
                  auto& root = static_cast<promise_type&>(*self.innermost_);
                  completion<T> result{std::move(root.result())};
                  if (self.destroy_last_frame())
                    f(std::move(result));
                },
                pack(on_done)};
  }

private:
  friend class fiber_group;
  friend class fiber_part;
  friend class strand;
  friend class wait;

  template <class T>
  friend class troupe::task;

  // Called at the end: a function and as much as fits into a pointer.
  struct hook {
    void (*call)(fiber&, void*) noexcept = nullptr;
    void* bits = nullptr;
  };

  template <class F>
  static void* pack(const F& f) noexcept {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= sizeof(void*),
                  "the callback of a fiber must be no larger than a pointer: "
                  "capture `this`, or one pointer, or nothing");
    void* bits = nullptr;
    std::memcpy(static_cast<void*>(&bits), &f, sizeof(F));
    return bits;
  }

  template <class F>
  static F unpack(void* bits) noexcept {
    alignas(F) std::byte copy[sizeof(F)];
    std::memcpy(copy, static_cast<const void*>(&bits), sizeof(F));
    return *std::launder(reinterpret_cast<F*>(copy));
  }

  // Makes `root` the one coroutine of this fiber.
  void enter(promise_base& root) noexcept;

  // Makes the loop go on in `callee`; called while `caller` suspends.
  void call(promise_base& caller, promise_base& callee) noexcept {
    callee.fiber_ = this;
    callee.caller_ = &caller;
    innermost_ = &callee;
  }

  // Resumes coroutines until all wait or the first one has ended.
  void run() noexcept;

  // The wait `x` is over.
  void resume(wait& x) noexcept;

  bool do_cancel(hook on_gone) noexcept;

  // Destroys the frames of a cancelled fiber and of its parts, except those
  // that something on another thread needs; returns whether all are gone.
  bool tear_down() noexcept;

  // Reports that the frames of a cancelled fiber are gone.
  void report_gone() noexcept;

  void destroy_frames() noexcept;

  // Destroys the frame of the coroutine that has ended; returns whether its end
  // counts, which it does not if a destructor in it has cancelled the fiber.
  bool destroy_last_frame() noexcept;

  // The group whose parts this fiber waits for, or null.
  [[nodiscard]] fiber_group* group() const noexcept;

  // The next fiber in the tree of parts below `root`, parents first; or null.
  [[nodiscard]] const fiber* next_below(const fiber& root) const noexcept;

  strand* strand_ = nullptr;
  promise_base* innermost_ = nullptr; // owns the frames from there outwards
  wait* waiting_ = nullptr;           // what the innermost one waits for
  hook end_;                          // on_done, or on_gone once cancelled
  bool running_ = false;
  bool cancelled_ = false;
  bool stop_requested_ = false;
  bool part_ = false;
};

/// A fiber that is part of a group.
class fiber_part : public fiber {
public:
  /// The group it is part of.
  [[nodiscard]] fiber_group& parent() const noexcept {
    return *parent_;
  }

protected:
  fiber_part() noexcept {
    part_ = true;
  }

  ~fiber_part() = default;

private:
  friend class fiber;
  friend class fiber_group;

  fiber_group* parent_ = nullptr;
  fiber_part* sibling_ = nullptr;
};

/// A wait for several fibers, the parts: the core that `when_all` and
/// `when_any` have in common. It is over when no part has a frame left. One of
/// the parts may *decide*: the others are cancelled then.
class fiber_group : public wait {
public:
  /// Which part decides, if any.
  enum class rule : std::uint8_t {
    /// The first one that fails.
    first_failed,
    /// The first one that ends, with a value or not.
    first_ended,
  };

  explicit fiber_group(rule who_decides) noexcept
    : wait(kind::group), rule_(who_decides) {
    // nop
  }

  /// Adds a part. Parts start in the order in which they were added.
  /// @pre the group has not begun
  void add(fiber_part& part) noexcept;

  /// Makes the coroutine of this promise wait for the parts, and starts them.
  /// @returns whether there is something to wait for; if not, the caller's
  ///          `await_suspend` returns `false`.
  bool begin(promise_base& who) noexcept;

  /// To be called by a part when it has ended, as the last thing it does: the
  /// group, and with it the part, may be gone afterwards.
  void ended(fiber_part& part, bool failed) noexcept;

  /// The part that decided, or null.
  [[nodiscard]] const fiber_part* decider() const noexcept {
    return decider_;
  }

private:
  friend class fiber;

  // Starts the parts, until one decides; returns whether all have ended.
  bool start_parts() noexcept;

  // The next part after `x` (null: the first) to cancel, marked as cancelled.
  fiber_part* next_to_cancel(fiber_part* x) noexcept;

  // One part less.
  void leave() noexcept;

  fiber_part* first_ = nullptr;
  fiber_part* last_part_ = nullptr;
  fiber_part* decider_ = nullptr;
  std::size_t alive_ = 0;
  rule rule_;
  bool started_ = false;
  bool starting_ = false;
};

// -- members that need the types above ----------------------------------------

inline strand& wait::get_strand() const noexcept {
  return fiber_->get_strand();
}

inline void wait::begin(promise_base& who) noexcept {
  fiber_ = &who.owner();
  fiber_->waiting_ = this;
  last_ = false;
  state_.store(state::waiting, std::memory_order_relaxed);
}

inline bool wait::post() noexcept {
  return get_strand().post(*this);
}

} // namespace troupe::detail
