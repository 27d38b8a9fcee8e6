// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/error.hpp"
#include "troupe/outcome.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker_ref.hpp"

#include <concepts>
#include <stdexcept>
#include <utility>

namespace troupe {

/// The outcome of a worker together with the worker object itself, which lives
/// as long as this value does.
template <class W>
class finished : public outcome {
public:
  /// How it ended, and what it was.
  finished(outcome how, worker_ref<W> who)
    : outcome(std::move(how)), who_(std::move(who)) {
    // nop
  }

  /// Whether the worker object may be touched: `false` if it was abandoned.
  [[nodiscard]] bool has_worker() const noexcept {
    return who_.worker() != nullptr;
  }

  /// The worker object.
  /// @throws std::logic_error if it was abandoned, since its code still runs.
  [[nodiscard]] W& worker() const {
    if (auto* ptr = who_.worker())
      return *ptr;
    throw std::logic_error("worker \"" + who_.name() + "\" (" + who_.path()
                           + ") was abandoned: its code still runs, so its "
                             "object cannot be handed out");
  }

private:
  worker_ref<W> who_;
};

/// A worker whose life is a scope: entering starts it, leaving shuts it down.
///
/// ~~~
/// {
///   troupe::scoped_worker<summariser> worker{
///     sys, {.name = "summariser"}, key};
///   for (auto& text : articles)
///     worker.send(text);
///   worker.drain();
///   auto done = worker.shutdown(); // the destructor would do the same
///   print(done.worker().results);
/// }
/// ~~~
///
/// Blocks its thread, so it is for `main` and plain threads.
template <class W>
class scoped_worker {
public:
  /// Spawns the worker and starts it.
  /// @throws start_error if it does not get ready; and what `spawn` throws.
  template <class... Ts>
  explicit scoped_worker(caf::actor_system& sys, worker_options options,
                         Ts&&... xs)
    : ref_(spawn<W>(sys, std::move(options), std::forward<Ts>(xs)...)) {
    enter();
  }

  /// @copydoc scoped_worker
  explicit scoped_worker(caf::actor_system& sys) : ref_(spawn<W>(sys)) {
    enter();
  }

  /// The options were forgotten: says so.
  template <class T, class... Ts>
    requires(!std::convertible_to<T, worker_options>)
  explicit scoped_worker(caf::actor_system& sys, T&& x, Ts&&... xs)
    : ref_(spawn<W>(sys, std::forward<T>(x), std::forward<Ts>(xs)...)) {
    // nop
  }

  scoped_worker(const scoped_worker&) = delete;

  scoped_worker& operator=(const scoped_worker&) = delete;

  /// Shuts the worker down.
  ~scoped_worker() {
    try {
      ref_.shutdown();
    } catch (...) {
      // A wait in virtual time can end in a deadlock report, which the test has
      // seen by other means; a destructor has nobody to tell.
      ref_.force_stop();
    }
  }

  /// The handle, for everything that has no shortcut here.
  [[nodiscard]] const worker_ref<W>& ref() const noexcept {
    return ref_;
  }

  /// @copydoc ref
  const worker_ref<W>* operator->() const noexcept {
    return &ref_;
  }

  /// See `worker_ref::send`.
  template <class V = W, class T = typename message_of<V>::type>
    requires(!consumes_messages<V>
             || std::convertible_to<T, typename message_of<V>::type>)
  bool send(T&& x) {
    return ref_.send(std::forward<T>(x));
  }

  /// See `worker_handle::drain`. Without a queue there is nothing to finish: a
  /// plain stop.
  void drain() {
    ref_.drain();
  }

  /// See `worker_handle::gracefully_stop`.
  void gracefully_stop() {
    ref_.gracefully_stop();
  }

  /// The worker's state.
  [[nodiscard]] worker_state state() const noexcept {
    return ref_.state();
  }

  /// How many messages wait in its queue.
  [[nodiscard]] std::size_t queue_size() const noexcept {
    return ref_.queue_size();
  }

  /// See `worker_handle::queue`.
  [[nodiscard]] queue_counts queue() const {
    return ref_.queue();
  }

  /// Stops the worker and waits for its end. Idempotent.
  /// @throws std::runtime_error if it cannot wait here, with the reason.
  finished<W> shutdown() {
    auto how = ref_.shutdown();
    if (!how)
      throw std::runtime_error(text_of(how.error()));
    return finished<W>{*std::move(how), ref_};
  }

private:
  void enter() {
    if (auto err = ref_.startup()) {
      // Why it did not start is known; how it ends must not hide that.
      auto how = ref_.shutdown();
      auto thrown = how ? how->thrown() : nullptr;
      throw start_error{std::move(err), std::move(thrown)};
    }
  }

  worker_ref<W> ref_;
};

} // namespace troupe
