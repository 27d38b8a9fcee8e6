// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace support {

/// Runs a few threads in all orders of their steps. A step is one operation on
/// an `explored_atomic`, with all that follows up to the next one; one thread
/// takes a step at a time. Memory is sequentially consistent: it is the
/// algorithm that is checked, not its memory orders. The threads are stacks
/// that take turns on one real thread, as there may be a million orders.
class explorer {
public:
  /// What the threads do, each in its own function, and what must hold when all
  /// of them are done. Made anew for each order.
  struct scene {
    std::vector<std::function<void()>> threads;
    /// @returns what is wrong, or an empty text.
    std::function<std::string()> check;
    /// Stands for all that the threads share besides their atomics, so that
    /// what comes after a state is tried once. Without it, after each order
    /// that leads there. Addresses must be the same in each scene.
    std::function<std::size_t()> digest = {};
    /// How often a thread that could go on is interrupted in one order, at
    /// most. Few are enough for nearly every fault, and make few orders.
    std::size_t interruptions = ~std::size_t{0};
  };

  struct result {
    /// How many orders were tried.
    std::size_t orders = 0;
    /// What was wrong in the last one, or an empty text if nothing was in any.
    std::string problem;
  };

  /// Stops at the first order that goes wrong: a check fails, somebody calls
  /// `complain`, or nobody can go on though not all are done.
  static result run_all(const std::function<scene()>& make);

  // -- for those who are explored ---------------------------------------------

  /// Lets any other thread take steps. Nothing happens on a thread that is not
  /// explored.
  static void point();

  /// Stays until somebody calls `wake_one` for the same address.
  static void sleep_on(const void* what);

  /// Wakes one of those who sleep on it: any.
  static void wake_one(const void* what);

  /// Wakes all who sleep on it.
  static void wake_all(const void* what);

  /// Something is wrong.
  static void complain(std::string what);

  /// What the last step of this thread has given, and what the atomic of that
  /// number holds now.
  static void saw(std::size_t atomic, std::size_t given, std::size_t holds);

  /// The number of one more atomic.
  static std::size_t enlist();

  /// A number that nobody else gets in this order of steps.
  static std::uint32_t ticket();

private:
  struct thread;
  struct state;

  static inline state* current_ = nullptr;
};

/// As `std::atomic`, each operation a step.
template <class T>
class explored_atomic {
public:
  explored_atomic(T x) : value_(x) {
    // nop
  }

  T load(std::memory_order) const noexcept {
    explorer::point();
    return gave(value_);
  }

  void store(T x, std::memory_order) noexcept {
    explorer::point();
    set(x);
    gave(x);
  }

  T exchange(T x, std::memory_order) noexcept {
    explorer::point();
    return gave(set(x));
  }

  T fetch_or(T x, std::memory_order) noexcept {
    explorer::point();
    return gave(set(value_ | x));
  }

  bool compare_exchange_strong(T& expected, T x, std::memory_order,
                               std::memory_order) noexcept {
    explorer::point();
    const auto seen = value_;
    if (seen == expected)
      set(x);
    gave(seen);
    return seen == std::exchange(expected, seen);
  }

  bool compare_exchange_weak(T& expected, T x, std::memory_order order,
                             std::memory_order otherwise) noexcept {
    return compare_exchange_strong(expected, x, order, otherwise);
  }

  /// As that of the standard library: one who was woken, and finds the old
  /// value again, sleeps again.
  void wait(T x, std::memory_order) const noexcept {
    explorer::point();
    while (gave(value_) == x)
      explorer::sleep_on(this);
  }

  void notify_one() noexcept {
    explorer::point();
    explorer::wake_one(this);
    gave(value_);
  }

  void notify_all() noexcept {
    explorer::point();
    explorer::wake_all(this);
    gave(value_);
  }

protected:
  /// Its value, as part of the step that the thread is at.
  [[nodiscard]] T peek() const noexcept {
    return gave(value_);
  }

  /// How often it was given a value.
  [[nodiscard]] std::size_t changes() const noexcept {
    return changes_;
  }

private:
  static std::size_t number_of(T x) noexcept {
    if constexpr (std::is_pointer_v<T>)
      return reinterpret_cast<std::size_t>(x);
    else
      return static_cast<std::size_t>(x);
  }

  T gave(T x) const noexcept {
    explorer::saw(number_, number_of(x), number_of(value_));
    return x;
  }

  T set(T x) noexcept {
    ++changes_;
    return std::exchange(value_, x);
  }

  T value_;
  std::size_t changes_ = 0;
  std::size_t number_ = explorer::enlist();
};

/// Puts such atomics in the place of `troupe::std_atomics`.
template <template <class> class Atomic = explored_atomic, int MostLosses = 1>
struct explored_atomics {
  template <class T>
  using atomic = Atomic<T>;

  // Looking again is a step that leads to nothing new.
  static constexpr int tries = 1;

  // Few steps until somebody has waited for long.
  static constexpr int most_losses = MostLosses;

  static void relax() noexcept {
    // nop
  }

  // It makes no difference but for those who wait, see `changing_wait`.
  static std::uint32_t ticket() noexcept {
    return 0;
  }
};

// -- what must be caught -------------------------------------------------------

/// Its `exchange` is a load and then a store.
template <class T>
class torn_exchange : public explored_atomic<T> {
public:
  using explored_atomic<T>::explored_atomic;

  T exchange(T x, std::memory_order order) noexcept {
    auto result = this->load(order);
    this->store(x, order);
    return result;
  }
};

/// Its `compare_exchange` is a load and then a store.
template <class T>
class torn_compare_exchange : public explored_atomic<T> {
public:
  using explored_atomic<T>::explored_atomic;

  bool compare_exchange_strong(T& expected, T x, std::memory_order order,
                               std::memory_order) noexcept {
    auto seen = this->load(order);
    if (seen != expected) {
      expected = seen;
      return false;
    }
    this->store(x, order);
    return true;
  }

  bool compare_exchange_weak(T& expected, T x, std::memory_order order,
                             std::memory_order otherwise) noexcept {
    return compare_exchange_strong(expected, x, order, otherwise);
  }
};

/// Its `fetch_or` is a load and then a store.
template <class T>
class torn_fetch_or : public explored_atomic<T> {
public:
  using explored_atomic<T>::explored_atomic;

  T fetch_or(T x, std::memory_order order) noexcept {
    auto result = this->load(order);
    this->store(result | x, order);
    return result;
  }
};

/// Nobody who was woken may find the value on which it fell asleep if there
/// were others meanwhile: it would sleep again, and not know of them.
template <class T>
class changing_wait : public explored_atomic<T> {
public:
  using explored_atomic<T>::explored_atomic;

  void wait(T x, std::memory_order order) const noexcept {
    explorer::point();
    if (this->peek() != x)
      return;
    const auto before = this->changes();
    explorer::sleep_on(this);
    if (this->peek() == x && this->changes() != before)
      explorer::complain("woken, and as if nothing had happened");
    explored_atomic<T>::wait(x, order);
  }
};

/// With such waits.
struct changing_atomics : explored_atomics<changing_wait> {
  static std::uint32_t ticket() noexcept {
    return explorer::ticket();
  }
};

/// It goes to sleep without another look.
template <class T>
class blind_wait : public explored_atomic<T> {
public:
  using explored_atomic<T>::explored_atomic;

  void wait(T x, std::memory_order order) const noexcept {
    if (this->load(order) != x)
      return;
    explorer::point();
    explorer::sleep_on(this);
  }
};

} // namespace support
