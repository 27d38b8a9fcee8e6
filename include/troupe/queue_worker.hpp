// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/callback.hpp"
#include "troupe/options.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/task.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <exception>
#include <typeinfo>
#include <utility>
#include <vector>

namespace troupe {

/// Decides about a message on which a callback has failed: the part of a
/// `queue_worker` that does not depend on the type of its messages.
class failed_call {
public:
  /// What becomes of the message.
  enum class verdict : std::uint8_t { skip, put_off, retry };

  /// Decides over the message.
  /// @param policy What its worker is to do about it.
  /// @param failures How often the callback has failed on it.
  /// @param chance Where the jitter comes from, changed by each call.
  /// @throws what was thrown, if the worker is to fail.
  static failed_call judge(detail::worker_core& core, const on_error& policy,
                           int failures, const std::exception_ptr& thrown,
                           std::uint64_t& chance);

  /// That.
  verdict what = verdict::skip;
  timespan delay{0}; ///< How long it is until a retry.
};

/// A `queue_consumer` that gives each message to one callback, which may be a
/// plain function or a coroutine.
///
/// <!-- snippet: header-queue-worker -->
/// ~~~
/// auto printer = troupe::spawn<troupe::queue_worker<std::string>>(
///   sys, {.name = "printer", .queue = {.on_error = troupe::on_error::skip}},
///   [](const std::string& line) { print(line); });
/// printer.startup();
/// printer.send("a line");
/// printer.drain();
/// ~~~
/// <!-- end -->
///
/// `queue_options::on_error` decides when the callback throws: the worker
/// fails, or goes on without the message, or tries it again some times. The
/// next message waits meanwhile. From a stop on nothing waits: a drain calls
/// again at once; any other stop does not, and the message is a dead letter,
/// reason `failed`, unless the stop is only part of a restart, which it
/// survives. (Q9)
///
/// For a callback that uses what a worker can do, such as `sleep_for`, derive a
/// class and give its base a lambda that captures `this`.
/// @tparam T What the queue holds, see `queue_consumer`.
template <class T>
class queue_worker : public queue_consumer<T> {
public:
  /// @param f Called with each message; takes a `T` or a `const T&`, returns
  ///          nothing or a `task<>`. A coroutine may keep the reference: the
  ///          message stays until it has ended. A `T` is moved into it, or
  ///          copied if the message may be needed again: with
  ///          `on_error::retry`, `redeliver`, `on_dead_letter`, and in a
  ///          derived class.
  template <callback_for<T> F>
  explicit queue_worker(F f) : call_(std::move(f)) {
    // nop
  }

  /// @param rest Called with a `std::vector<T>`, what is left in the queue at
  ///             the end, if the options say `on_stop::hand_over`; returns
  ///             nothing or a `task<>`.
  template <callback_for<T> F, callback_for<std::vector<T>> G>
  queue_worker(F f, G rest) : call_(std::move(f)), rest_(std::move(rest)) {
    // nop
  }

  task<> run() override;

protected:
  /// Decides about a message on which the callback has failed: by default as
  /// the options say. For a class that can tell failures apart:
  ///
  /// ~~~
  /// on_error policy_for(const letter& x, const std::exception_ptr& thrown,
  ///                     int failures) override {
  ///   try {
  ///     std::rethrow_exception(thrown);
  ///   } catch (const no_such_address&) {
  ///     return on_error::skip; // it would be the same again
  ///   } catch (...) {
  ///     return queue_worker::policy_for(x, thrown, failures);
  ///   }
  /// }
  /// ~~~
  ///
  /// So in a derived class each message stays as it is until its callback has
  /// returned: one that takes a `T`, and no `const T&`, gets a copy. An
  /// exception fails the worker.
  /// @param what The message.
  /// @param thrown What the callback has thrown.
  /// @param failures How often it has failed on this message, this time
  ///                 included: a `retry` of fewer times is a `skip`.
  virtual on_error policy_for([[maybe_unused]] const T& what,
                              [[maybe_unused]] const std::exception_ptr& thrown,
                              [[maybe_unused]] int failures) {
    return this->queue().options().on_error;
  }

  task<> hand_over(std::vector<T> rest) override;

private:
  using node = typename detail::typed_queue<T>::typed_node;

  detail::callback<T> call_;
  detail::callback<std::vector<T>> rest_;
  std::uint64_t chance_ = 0;
};

template <class T>
task<> queue_worker<T>::run() {
  detail::access::check_message_type<queue_consumer<T>>();
  auto& queue = this->queue();
  // A derived class may override `policy_for`, and call for a retry.
  const auto may_retry = typeid(*this) != typeid(queue_worker);
  while (auto message = co_await detail::given_out_awaitable{this->get_core(),
                                                             queue}) {
    auto& x = static_cast<node&>(message.what());
    for (int failures = 0; message;) {
      auto failed = false;
      try {
        const auto stays = may_retry || queue.keeps_content();
        x.spent = !stays;
        if (call_.plain) {
          call_.plain(x.value, stays);
        } else {
          auto call = call_.coroutine(x.value, stays);
          co_await std::move(call);
        }
      } catch (...) {
        x.thrown = std::current_exception();
        failed = true;
      }
      if (!failed) {
        message.done();
        break;
      }
      ++failures;
      auto next = failed_call::judge(this->get_core(),
                                     policy_for(x.value, x.thrown, failures),
                                     failures, x.thrown, chance_);
      if (next.what == failed_call::verdict::retry) {
        const auto slept = co_await this->sleep_for(next.delay);
        if (slept || queue.drains())
          continue;
        next.what = failed_call::verdict::put_off;
      }
      if (next.what == failed_call::verdict::put_off)
        message.put_off();
      else
        message.failed();
    }
  }
}

template <class T>
task<> queue_worker<T>::hand_over(std::vector<T> rest) {
  return rest_ ? rest_.run(std::move(rest))
               : queue_consumer<T>::hand_over(std::move(rest));
}

} // namespace troupe
