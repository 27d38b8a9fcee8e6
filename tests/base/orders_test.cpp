// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What is small enough is run through all orders of the steps of two or three
// threads; and an algorithm that is a little wrong is caught.

#include "support/explorer.hpp"
#include "troupe/detail/arrivals.hpp"
#include "troupe/detail/inbox.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "worker/todo.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using support::explored_atomic;
using support::explored_atomics;
using support::explorer;

namespace {

// -- a mutex -------------------------------------------------------------------

template <class Atomics>
explorer::scene mutex_scene(std::size_t num_threads, int rounds) {
  struct shared {
    troupe::detail::basic_small_mutex<Atomics> mtx;
    int inside = 0;
    int count = 0;
  };
  // At the same place each time.
  static std::optional<shared> place;
  auto* here = &place.emplace();
  explorer::scene result;
  for (std::size_t i = 0; i < num_threads; ++i)
    result.threads.push_back([here, rounds] {
      for (int n = 0; n < rounds; ++n) {
        here->mtx.lock();
        if (++here->inside != 1)
          explorer::complain("two hold it");
        explorer::point();
        ++here->count;
        --here->inside;
        here->mtx.unlock();
      }
    });
  const auto expected = static_cast<int>(num_threads) * rounds;
  result.check = [here, expected]() -> std::string {
    return here->count == expected ? "" : "somebody did not have it";
  };
  result.digest = [here] {
    return static_cast<std::size_t>(here->count * 8 + here->inside);
  };
  return result;
}

// -- an inbox ------------------------------------------------------------------

/// A lock of as few steps as possible: what is tried here is not the lock.
class simple_lock {
public:
  void lock() {
    while (held_.exchange(1, std::memory_order_acquire) != 0)
      held_.wait(1, std::memory_order_relaxed);
  }

  void unlock() {
    held_.exchange(0, std::memory_order_release);
    explorer::wake_one(&held_);
  }

private:
  explored_atomic<int> held_{0};
};

struct letter {
  std::size_t from = 0;
  int number = 0;
  letter* next = nullptr;
};

/// Those who bring find another way when it is shut, as with a queue; somebody
/// shuts and opens it meanwhile.
template <class Atomics>
explorer::scene inbox_scene(std::size_t num_senders, int each) {
  struct shared {
    void collect(letter* newest) {
      moved.put_aside(newest);
      moved.move_on([this](letter* x) { collected.push_back(x); },
                    [] { return false; });
    }

    troupe::detail::inbox<letter, Atomics> box;
    simple_lock mtx;
    std::array<std::array<letter, 2>, 2> letters{};
    troupe::detail::arrivals<letter> moved;
    std::vector<letter*> collected;
  };
  static std::optional<shared> place; // the same each time
  auto* here = &place.emplace();
  here->box.open();
  explorer::scene result;
  for (std::size_t i = 0; i < num_senders; ++i)
    result.threads.push_back([here, i, each] {
      for (int n = 0; n < each; ++n) {
        auto& x = here->letters[i][static_cast<std::size_t>(n)];
        x.from = i;
        x.number = n;
        if (here->box.push(&x))
          continue;
        here->mtx.lock();
        here->collect(here->box.take());
        here->collected.push_back(&x);
        here->mtx.unlock();
      }
    });
  result.threads.push_back([here] {
    here->mtx.lock();
    here->collect(here->box.shut());
    here->mtx.unlock();
    here->mtx.lock();
    here->box.open();
    here->mtx.unlock();
  });
  result.check = [here, num_senders, each]() -> std::string {
    here->collect(here->box.shut());
    if (here->collected.size() != num_senders * static_cast<std::size_t>(each))
      return std::to_string(here->collected.size()) + " letters have come";
    std::vector<int> expected(num_senders, 0);
    for (auto* x : here->collected)
      if (x->number != expected[x->from]++)
        return "a letter came before an earlier one of its sender";
    return "";
  };
  result.digest = [here] {
    std::size_t sum = 0;
    auto add = [&sum](const letter* x) {
      sum = sum * 1'000'003 + reinterpret_cast<std::size_t>(x);
    };
    for (auto* x : here->collected)
      add(x);
    for (auto& some : here->letters)
      for (auto& x : some)
        add(x.next);
    return sum;
  };
  return result;
}

// -- a wake-up -----------------------------------------------------------------

constexpr std::array errands{troupe::detail::todo::begin_run,
                             troupe::detail::todo::finish,
                             troupe::detail::todo::answer,
                             troupe::detail::todo::child_ended};

/// Threads that tell an actor what to do, and the actor: it sleeps until
/// somebody has woken it, then does what there is, which includes one thing
/// that it tells itself, and that wakes nobody.
/// @param looks_again Whether it takes until there is nothing.
template <class Atomics>
explorer::scene wake_up_scene(std::size_t num_tellers, std::size_t each,
                              bool looks_again = true) {
  using troupe::detail::todo;
  struct shared {
    void wake() {
      awake.exchange(1, std::memory_order_release);
      explorer::wake_one(&awake);
    }

    troupe::detail::basic_todo_set<Atomics> todos;
    explored_atomic<int> awake{0};
    todo done = todo::none;
    int wake_ups = 0;
  };
  static std::optional<shared> place; // the same each time
  auto* here = &place.emplace();
  explorer::scene result;
  auto all = todo::quit_actor;
  for (std::size_t i = 0; i < num_tellers; ++i) {
    for (std::size_t n = 0; n < each; ++n)
      all = all | errands[i * each + n];
    result.threads.push_back([here, i, each] {
      for (std::size_t n = 0; n < each; ++n)
        if (here->todos.add(errands[i * each + n])) {
          ++here->wake_ups;
          here->wake();
        }
    });
  }
  result.threads.push_back([here, all, looks_again] {
    while (here->done != all) {
      while (here->awake.exchange(0, std::memory_order_acquire) == 0)
        here->awake.wait(0, std::memory_order_relaxed);
      for (;;) {
        const auto what = here->todos.take();
        if (what == todo::none)
          break;
        here->done = here->done | what;
        if (has(what, errands.front()))
          static_cast<void>(here->todos.add(todo::quit_actor));
        if (!looks_again)
          break;
      }
    }
  });
  result.check = [here, num_tellers, each]() -> std::string {
    if (!here->todos.empty())
      return "something is left to be done";
    return here->wake_ups <= static_cast<int>(num_tellers * each)
             ? ""
             : "somebody was woken for nothing";
  };
  result.digest = [here] {
    return static_cast<std::size_t>(here->done) * 16
           + static_cast<std::size_t>(here->wake_ups);
  };
  return result;
}

} // namespace

// -- the explorer itself -------------------------------------------------------

TEST_CASE("two threads of two steps have six orders") {
  auto made = explorer::run_all([] {
    auto x = std::make_shared<explored_atomic<int>>(0);
    auto body = [x] {
      x->store(1, std::memory_order_relaxed);
      x->store(2, std::memory_order_relaxed);
    };
    return explorer::scene{{body, body}, [] { return std::string{}; }};
  });
  CHECK(made.orders == 6);
  CHECK(made.problem.empty());
}

TEST_CASE("an explorer finds the order in which an increment is lost") {
  auto made = explorer::run_all([] {
    auto x = std::make_shared<explored_atomic<int>>(0);
    auto body = [x] {
      auto seen = x->load(std::memory_order_relaxed);
      x->store(seen + 1, std::memory_order_relaxed);
    };
    return explorer::scene{{body, body}, [x]() -> std::string {
                             return x->load(std::memory_order_relaxed) == 2
                                      ? ""
                                      : "one is lost";
                           }};
  });
  CHECK(made.problem == "one is lost");
}

TEST_CASE("an explorer finds the order in which nobody wakes a sleeper") {
  auto made = explorer::run_all([] {
    auto x = std::make_shared<support::blind_wait<int>>(0);
    return explorer::scene{{[x] { x->wait(0, std::memory_order_relaxed); },
                            [x] {
                              x->store(1, std::memory_order_relaxed);
                              x->notify_one();
                            }},
                           [] { return std::string{}; }};
  });
  CHECK(made.problem == "nobody goes on, and not all are done");
}

// -- small_mutex ---------------------------------------------------------------

TEST_CASE("a small mutex in all orders of two threads that lock it twice") {
  auto made
    = explorer::run_all([] { return mutex_scene<explored_atomics<>>(2, 2); });
  CHECK(made.problem == "");
  CHECK(made.orders > 100);
}

TEST_CASE("a small mutex in all orders of three threads") {
  auto made
    = explorer::run_all([] { return mutex_scene<explored_atomics<>>(3, 1); });
  CHECK(made.problem == "");
  CHECK(made.orders > 1000);
}

TEST_CASE("a small mutex in all orders, when each loss is one too many") {
  using impatient = explored_atomics<explored_atomic, 0>;
  auto made = explorer::run_all([] { return mutex_scene<impatient>(2, 1); });
  CHECK(made.problem == "");
  CHECK(made.orders > 10);
}

TEST_CASE("a thread that waits for a small mutex knows of each that has it "
          "meanwhile") {
  auto made = explorer::run_all([] {
    auto result = mutex_scene<support::changing_atomics>(3, 2);
    result.interruptions = 3;
    return result;
  });
  CHECK(made.problem == "");
  CHECK(made.orders > 1000);
}

TEST_CASE("a small mutex that is a little wrong is caught") {
  auto torn = explorer::run_all([] {
    return mutex_scene<explored_atomics<support::torn_compare_exchange>>(2, 1);
  });
  CHECK(torn.problem != "");
  auto blind = explorer::run_all(
    [] { return mutex_scene<explored_atomics<support::blind_wait>>(2, 1); });
  CHECK(blind.problem == "nobody goes on, and not all are done");
  using same_ticket = explored_atomics<support::changing_wait>;
  auto unaware = explorer::run_all([] {
    auto result = mutex_scene<same_ticket>(3, 2);
    result.interruptions = 3;
    return result;
  });
  CHECK(unaware.problem == "woken, and as if nothing had happened");
}

// -- inbox ---------------------------------------------------------------------

TEST_CASE("an inbox that is shut and opened, in all orders with one sender") {
  auto made
    = explorer::run_all([] { return inbox_scene<explored_atomics<>>(1, 2); });
  CHECK(made.problem == "");
  CHECK(made.orders > 100);
}

TEST_CASE("an inbox that is shut and opened, in all orders with two senders") {
  auto made
    = explorer::run_all([] { return inbox_scene<explored_atomics<>>(2, 1); });
  CHECK(made.problem == "");
  CHECK(made.orders > 1000);
}

TEST_CASE("an inbox that is a little wrong is caught") {
  auto torn = explorer::run_all([] {
    return inbox_scene<explored_atomics<support::torn_compare_exchange>>(2, 1);
  });
  CHECK(torn.problem != "");
  auto torn_take = explorer::run_all(
    [] { return inbox_scene<explored_atomics<support::torn_exchange>>(1, 2); });
  CHECK(torn_take.problem != "");
}

// -- wake-ups ------------------------------------------------------------------

TEST_CASE("a wake-up in all orders of one who tells four things") {
  auto made
    = explorer::run_all([] { return wake_up_scene<explored_atomics<>>(1, 4); });
  CHECK(made.problem == "");
  CHECK(made.orders > 100);
}

TEST_CASE("a wake-up in all orders of two who tell two things each") {
  auto made
    = explorer::run_all([] { return wake_up_scene<explored_atomics<>>(2, 2); });
  CHECK(made.problem == "");
  CHECK(made.orders > 1000);
}

TEST_CASE("a wake-up that is a little wrong is caught") {
  auto torn = explorer::run_all([] {
    return wake_up_scene<explored_atomics<support::torn_fetch_or>>(2, 1);
  });
  CHECK(torn.problem != "");
  auto torn_take = explorer::run_all([] {
    return wake_up_scene<explored_atomics<support::torn_exchange>>(2, 1);
  });
  CHECK(torn_take.problem != "");
  auto once = explorer::run_all(
    [] { return wake_up_scene<explored_atomics<>>(1, 2, false); });
  CHECK(once.problem == "nobody goes on, and not all are done");
}
