// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "support/explorer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <unordered_set>

#include <ucontext.h>

namespace support {

namespace {

/// A decision: which of so many.
struct choice {
  std::size_t taken;
  std::size_t of;
};

constexpr std::size_t stack_size = 64 * 1024;

void mix(std::size_t& sum, std::size_t x) {
  sum = (sum ^ x) * 0x9E3779B97F4A7C15u;
  sum ^= sum >> 29;
}

enum class end_of_order { done, stuck, known };

} // namespace

struct explorer::thread {
  std::unique_ptr<std::array<std::byte, stack_size>> stack
    = std::make_unique<std::array<std::byte, stack_size>>();
  ucontext_t context{};
  const std::function<void()>* body = nullptr;
  const void* sleeps_on = nullptr;
  bool done = false;
  std::size_t seen = 0; // all that its steps have given: where it is follows
  std::uint32_t tickets = 0;
};

struct explorer::state {
  std::vector<thread> threads;
  thread* running = nullptr;
  ucontext_t driver{};
  std::vector<choice> path;
  std::size_t depth = 0;
  thread* last = nullptr; // that took a step
  std::size_t interruptions = 0;
  std::string problem;
  const scene* what = nullptr;
  std::vector<std::size_t> atomics; // what they hold
  std::unordered_set<std::size_t> known;

  /// Whether all that may come after this has been tried.
  bool been_here() {
    if (!what->digest || depth < path.size())
      return false;
    auto sum = what->digest();
    for (auto x : atomics)
      mix(sum, x);
    for (auto& x : threads) {
      mix(sum, x.seen);
      mix(sum, x.sleeps_on != nullptr ? 1 : 0);
    }
    if (what->interruptions != ~std::size_t{0}) {
      mix(sum, interruptions);
      mix(sum, reinterpret_cast<std::size_t>(last));
    }
    return !known.insert(sum).second;
  }

  std::size_t choose(std::size_t of) {
    if (depth == path.size())
      path.push_back({0, of});
    return path[depth++].taken;
  }

  static void run_body() {
    auto& me = *current_->running;
    (*me.body)();
    me.done = true;
    swapcontext(&me.context, &current_->driver);
  }

  void begin(const scene& now) {
    what = &now;
    depth = 0;
    last = nullptr;
    interruptions = 0;
    problem.clear();
    threads.resize(now.threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) {
      auto& x = threads[i];
      x.body = &now.threads[i];
      x.seen = 0;
      x.tickets = 0;
      x.sleeps_on = nullptr;
      x.done = false;
      getcontext(&x.context);
      x.context.uc_stack.ss_sp = x.stack->data();
      x.context.uc_stack.ss_size = stack_size;
      x.context.uc_link = nullptr;
      makecontext(&x.context, run_body, 0);
    }
  }

  void resume(thread& x) {
    running = &x;
    swapcontext(&driver, &x.context);
    running = nullptr;
  }

  end_of_order run() {
    // Up to their first step they have nothing to do with each other.
    for (auto& x : threads)
      resume(x);
    std::vector<thread*> able;
    for (;;) {
      able.clear();
      auto left = false;
      for (auto& x : threads) {
        left = left || !x.done;
        if (!x.done && x.sleeps_on == nullptr)
          able.push_back(&x);
      }
      if (able.empty())
        return left ? end_of_order::stuck : end_of_order::done;
      const auto goes_on = std::ranges::find(able, last) != able.end();
      if (goes_on && interruptions == what->interruptions)
        able = {last};
      if (able.size() > 1 && been_here())
        return end_of_order::known;
      auto* next = able.size() == 1 ? able.front() : able[choose(able.size())];
      if (goes_on && next != last)
        ++interruptions;
      last = next;
      resume(*next);
    }
  }

  /// Goes on to the next order.
  /// @returns whether there is one.
  bool advance() {
    while (!path.empty() && path.back().taken + 1 == path.back().of)
      path.pop_back();
    if (path.empty())
      return false;
    ++path.back().taken;
    return true;
  }
};

explorer::result explorer::run_all(const std::function<scene()>& make) {
  result tried;
  state now;
  current_ = &now;
  do {
    now.atomics.clear();
    const auto what = make();
    now.begin(what);
    const auto how = now.run();
    ++tried.orders;
    tried.problem = now.problem;
    if (tried.problem.empty() && how == end_of_order::stuck)
      tried.problem = "nobody goes on, and not all are done";
    if (tried.problem.empty() && how == end_of_order::done)
      tried.problem = what.check();
  } while (tried.problem.empty() && now.advance());
  current_ = nullptr;
  return tried;
}

void explorer::point() {
  if (current_ != nullptr && current_->running != nullptr)
    swapcontext(&current_->running->context, &current_->driver);
}

void explorer::sleep_on(const void* what) {
  if (current_ == nullptr || current_->running == nullptr)
    return;
  current_->running->sleeps_on = what;
  point();
}

void explorer::wake_one(const void* what) {
  if (current_ == nullptr)
    return;
  std::vector<thread*> asleep;
  for (auto& x : current_->threads)
    if (x.sleeps_on == what)
      asleep.push_back(&x);
  if (!asleep.empty())
    asleep[asleep.size() == 1 ? 0 : current_->choose(asleep.size())]->sleeps_on
      = nullptr;
}

void explorer::wake_all(const void* what) {
  if (current_ == nullptr)
    return;
  for (auto& x : current_->threads)
    if (x.sleeps_on == what)
      x.sleeps_on = nullptr;
}

void explorer::complain(std::string what) {
  if (current_ != nullptr && current_->problem.empty())
    current_->problem = std::move(what);
}

void explorer::saw(std::size_t atomic, std::size_t given, std::size_t holds) {
  if (current_ == nullptr)
    return;
  current_->atomics[atomic] = holds;
  if (current_->running == nullptr)
    return;
  mix(current_->running->seen, atomic + 1);
  mix(current_->running->seen, given);
}

std::size_t explorer::enlist() {
  if (current_ == nullptr)
    return 0;
  current_->atomics.push_back(0);
  return current_->atomics.size() - 1;
}

std::uint32_t explorer::ticket() {
  if (current_ == nullptr || current_->running == nullptr)
    return 0;
  auto& me = *current_->running;
  const auto i = static_cast<std::size_t>(&me - current_->threads.data());
  return static_cast<std::uint32_t>(me.tickets++ * current_->threads.size() + i
                                    + 1);
}

} // namespace support
