// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"
#include "troupe/subscription.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::detail {

/// Values of type `T` for their subscribers. Costs one load when nobody has.
/// Thread-safe.
///
/// Values may be published with locks held: what a subscriber does with them
/// runs elsewhere, and no value of the publisher's is destroyed in here while
/// there is room for it.
template <class T>
class stream {
public:
  using value_ptr = std::shared_ptr<const T>;

  /// One subscriber. A derived class takes what it is given at once, or keeps
  /// it for another thread; the publisher does not wait.
  class sink : public subscription::sink {
  public:
    [[nodiscard]] virtual bool wants(const T& x) const noexcept = 0;

    virtual void put(const value_ptr& x) noexcept = 0;

    /// There will be no more.
    virtual void closed() noexcept {
      // nop
    }

    [[nodiscard]] bool over() const noexcept {
      return over_.load(std::memory_order_acquire);
    }

  protected:
    /// Wants no more.
    /// @returns whether that is news.
    bool leave() noexcept {
      if (over_.exchange(true, std::memory_order_acq_rel))
        return false;
      if (wanted_)
        wanted_->fetch_sub(1, std::memory_order_relaxed);
      return true;
    }

  private:
    friend class stream;

    std::atomic<bool> over_{false};
    std::shared_ptr<std::atomic<std::size_t>> wanted_;
  };

  /// Whether anybody would get what is published.
  [[nodiscard]] bool wanted() const noexcept {
    return wanted_->load(std::memory_order_relaxed) != 0;
  }

  void publish(T x) noexcept {
    try {
      auto value = std::make_shared<const T>(std::move(x));
      std::unique_lock guard{mtx_};
      for (auto& to : sinks_)
        if (!to->over() && to->wants(*value))
          to->put(value);
    } catch (const std::bad_alloc&) {
      return; // Nobody can be told of it.
    }
  }

  void subscribe(std::shared_ptr<sink> who) {
    // Those that are over go without the lock: a user's function may go too.
    std::vector<std::shared_ptr<sink>> gone;
    std::unique_lock guard{mtx_};
    if (closed_) {
      guard.unlock();
      who->closed();
      return;
    }
    auto first = std::stable_partition(
      sinks_.begin(), sinks_.end(), [](const auto& x) { return !x->over(); });
    std::move(first, sinks_.end(), std::back_inserter(gone));
    sinks_.erase(first, sinks_.end());
    who->wanted_ = wanted_;
    wanted_->fetch_add(1, std::memory_order_relaxed);
    sinks_.push_back(std::move(who));
  }

  /// Nothing is published any more: lets go of the subscribers, who may hold
  /// what holds the stream.
  void close() noexcept {
    std::vector<std::shared_ptr<sink>> gone;
    std::unique_lock guard{mtx_};
    closed_ = true;
    gone.swap(sinks_);
    guard.unlock();
    for (auto& x : gone)
      x->closed();
  }

private:
  /// Shared with the subscribers, who may outlive the stream.
  std::shared_ptr<std::atomic<std::size_t>> wanted_
    = std::make_shared<std::atomic<std::size_t>>(0);
  std::mutex mtx_;
  std::vector<std::shared_ptr<sink>> sinks_;
  bool closed_ = false;
};

/// While it lives, this thread works for a function that is to miss the values
/// to which it gives rise: calls it, or does what it has left to a helper.
class echo_mark {
public:
  explicit echo_mark(bool value) noexcept
    : outer_(std::exchange(is_set_, value)) {
    // nop
  }

  echo_mark(const echo_mark&) = delete;

  echo_mark& operator=(const echo_mark&) = delete;

  ~echo_mark() {
    is_set_ = outer_;
  }

  [[nodiscard]] static bool is_set() noexcept {
    return is_set_;
  }

private:
  static inline thread_local bool is_set_ = false;

  bool outer_;
};

/// Calls a function with each value, one at a time, on a thread where it may
/// block. A bounded number of values waits for it; the others it misses.
template <class T>
class function_sink final
  : public stream<T>::sink,
    public std::enable_shared_from_this<function_sink<T>> {
public:
  using value_ptr = typename stream<T>::value_ptr;
  using function = std::function<void(const T&)>;
  using filter = std::function<bool(const T&)>;
  /// Runs a function on another thread, or destroys it without having run it
  /// when there are no threads any more. May throw.
  using executor = std::function<void(unique_function<void()>)>;
  using failure_handler = std::function<void(std::exception_ptr)>;
  using counter = std::function<void(std::uint64_t)>;

  /// @param wants Must not call anything of the user's.
  /// @param on_echo If given, a value to which a function of such a sink gives
  ///                rise while it is called is missed: it could go on for ever.
  ///                Called the first time that it is the function itself.
  /// @param on_missed If given, called with how many values there was no room
  ///                  for, each time that the function has caught up.
  function_sink(function f, filter wants, std::size_t capacity, executor run,
                failure_handler on_failure, std::function<void()> on_echo = {},
                counter on_missed = {})
    : function_(std::move(f)),
      wants_(std::move(wants)),
      run_(std::move(run)),
      on_failure_(std::move(on_failure)),
      on_echo_(std::move(on_echo)),
      on_missed_(std::move(on_missed)),
      capacity_(capacity) {
    // nop
  }

  [[nodiscard]] bool wants(const T& x) const noexcept override {
    return wants_(x);
  }

  void put(const value_ptr& x) noexcept override {
    {
      std::unique_lock guard{mtx_};
      // It may have ended since the publisher has looked, and its function may
      // have gone.
      if (this->over())
        return;
      if (on_echo_ && echo_mark::is_set()) {
        ++missed_;
        echoed_ = echoed_ || deliverer_ == std::this_thread::get_id();
        return;
      }
      if (values_.size() == capacity_ || !keep(x))
        miss(1);
      // Also if the buffer was full: there may have been no thread for it.
      if (values_.empty() || std::exchange(delivering_, true))
        return;
    }
    try {
      run_(delivery{this->shared_from_this()});
    } catch (...) {
      // There was no thread; the next value tries again.
      if (!complained_.exchange(true, std::memory_order_relaxed))
        on_failure_(std::current_exception());
    }
  }

  void end(bool deliver) noexcept override {
    if (!this->leave())
      return;
    std::deque<value_ptr> dropped;
    function gone;
    std::unique_lock guard{mtx_};
    if (!deliver)
      dropped.swap(values_);
    // The function itself may have called this: then it goes when it is done.
    if (deliverer_ == std::this_thread::get_id())
      return;
    idle_.wait(guard, [this] { return !delivering_; });
    if (deliver)
      dropped = miss_all(guard);
    gone.swap(function_);
    say_missed(guard);
  }

  void closed() noexcept override {
    std::deque<value_ptr> dropped;
    std::unique_lock guard{mtx_};
    closed_ = true;
    if (!delivering_)
      dropped = miss_all(guard);
    say_missed(guard);
  }

  [[nodiscard]] std::uint64_t missed() const noexcept override {
    std::unique_lock guard{mtx_};
    return missed_;
  }

private:
  /// Delivers, and says so also if it never came to that.
  class delivery {
  public:
    explicit delivery(std::shared_ptr<function_sink> what) noexcept
      : what_(std::move(what)) {
      // nop
    }

    delivery(delivery&&) noexcept = default;

    ~delivery() {
      if (what_)
        what_->not_delivered();
    }

    void operator()() {
      // From here on the destructor has nothing to do.
      auto what = std::exchange(what_, nullptr);
      what->deliver();
    }

  private:
    std::shared_ptr<function_sink> what_;
  };

  /// @returns `false` if there is no memory for it.
  /// @pre the lock is held
  [[nodiscard]] bool keep(const value_ptr& x) noexcept {
    try {
      values_.push_back(x);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void deliver() noexcept {
    std::unique_lock guard{mtx_};
    deliverer_ = std::this_thread::get_id();
    while (!values_.empty() || say_missed(guard)) {
      if (values_.empty())
        continue;
      auto x = std::move(values_.front());
      values_.pop_front();
      guard.unlock();
      {
        const echo_mark mark{on_echo_ != nullptr};
        try {
          function_(*x);
        } catch (...) {
          on_failure_(std::current_exception());
        }
      }
      x = nullptr;
      guard.lock();
      if (echoed_ && !std::exchange(told_of_echo_, true)) {
        guard.unlock();
        on_echo_();
        guard.lock();
      }
    }
    deliverer_ = {};
    // With the lock held since the last look: a thread that puts another value
    // either was seen or sees that nobody delivers.
    delivering_ = false;
    function gone;
    if (this->over())
      gone.swap(function_);
    idle_.notify_all();
    guard.unlock();
  }

  /// There was no thread to deliver on.
  void not_delivered() noexcept {
    std::deque<value_ptr> dropped;
    std::unique_lock guard{mtx_};
    delivering_ = false;
    if (closed_)
      dropped = miss_all(guard);
    idle_.notify_all();
    if (closed_)
      say_missed(guard);
  }

  /// There is no room for so many.
  /// @pre the lock is held
  void miss(std::size_t n) noexcept {
    missed_ += n;
    unsaid_ += n;
  }

  /// Says how many were missed since it was said last.
  /// @returns whether there were any: then the lock was free meanwhile.
  bool say_missed(std::unique_lock<std::mutex>& guard) noexcept {
    const auto n = std::exchange(unsaid_, 0);
    if (n == 0 || !on_missed_)
      return false;
    guard.unlock();
    on_missed_(n);
    guard.lock();
    return true;
  }

  /// Counts as missed what is left: nobody delivers it any more.
  /// @returns it, to be let go of without the lock.
  [[nodiscard]] std::deque<value_ptr>
  miss_all(const std::unique_lock<std::mutex>&) noexcept {
    miss(values_.size());
    return std::exchange(values_, {});
  }

  function function_;
  const filter wants_;
  const executor run_;
  const failure_handler on_failure_;
  const std::function<void()> on_echo_;
  const counter on_missed_;
  const std::size_t capacity_;

  mutable std::mutex mtx_;
  std::condition_variable idle_;
  std::deque<value_ptr> values_;
  std::uint64_t missed_ = 0;
  std::uint64_t unsaid_ = 0; // of these
  std::atomic<bool> complained_ = false;
  std::thread::id deliverer_;
  bool delivering_ = false;
  bool closed_ = false; // no more values come, and no threads
  bool echoed_ = false;
  bool told_of_echo_ = false; // of whoever delivers
};

} // namespace troupe::detail
