// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/message_awaiter.hpp"
#include "troupe/detail/message_batch.hpp"
#include "troupe/received.hpp"
#include "troupe/worker.hpp"

#include <caf/type_id.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// A worker with a queue: others `send` into it, `run()` takes out.
///
/// ~~~
/// class printer : public troupe::queue_consumer<std::string> {
/// public:
///   troupe::task<> run() override {
///     while (auto line = co_await get_message())
///       std::cout << *line << "\n";
///   }
/// };
/// ~~~
///
/// Any thread and any actor may send, with `worker_ref::send` or with the means
/// of CAF; per sender the order is kept. Messages sent before the start wait
/// for it. A `queue_consumer<std::variant<A, B>>` also takes plain `A` and `B`;
/// these need type ids, the variant does not.
///
/// A request is answered with an empty message as soon as the queue has taken
/// it: it is accepted, not handled. Messages to be answered with a result
/// belong into `worker::handlers()`. If the queue refuses it, the answer is
/// `errc::queue_closed` or `errc::queue_full`.
///
/// How much it holds, and what becomes of a message that cannot be handled, is
/// said by `queue_options`.
/// @tparam T What the queue holds: a type that CAF can send, see
///           `CAF_ADD_TYPE_ID`. Declaring the class is possible before the type
///           has its id.
template <class T>
class queue_consumer : public worker {
public:
  /// What its queue holds.
  using message_type = T;

  /// Where the messages of the queue are. Any thread.
  [[nodiscard]] queue_counts counts() const {
    return queue().counts();
  }

protected:
  /// Waits for a message or a stop.
  /// @returns a message; or none once a stop was asked for and nothing is left
  ///          that is to be finished first. So
  ///          `while (auto m = co_await get_message())` is the whole loop.
  [[nodiscard]] detail::message_awaitable<T> get_message() {
    detail::access::check_message_type<queue_consumer>();
    return {get_core(), queue(), never};
  }

  /// As `get_message()`, but returns none after `timeout` as well.
  /// @param timeout Any `std::chrono` duration.
  /// @returns a `received<T>`: an optional message that says, when there is
  ///          none, whether the time was over.
  template <class Rep, class Period>
  [[nodiscard]] detail::timed_message_awaitable<T>
  get_message(std::chrono::duration<Rep, Period> timeout) {
    detail::access::check_message_type<queue_consumer>();
    return {get_core(), queue(), deadline_after(now(), to_timespan(timeout))};
  }

  /// Waits for a message or a stop, and then for more of them. All of them are
  /// in progress until the next call. (Q14)
  ///
  /// ~~~
  /// while (auto rows = co_await get_messages(500, 100ms))
  ///   commit(*rows);
  /// ~~~
  /// @param most How many to get at most, 1 or more.
  /// @param within How long to wait for others once there is one: any
  ///               `std::chrono` duration. Zero gives those that are there. A
  ///               stop ends the wait.
  /// @returns an optional vector, which is never empty; none where
  ///          `get_message()` would give none.
  /// @throws std::invalid_argument if `most` is 0, or `within` negative.
  template <class Rep, class Period>
  [[nodiscard]] detail::batch_awaitable<T>
  get_messages(std::size_t most, std::chrono::duration<Rep, Period> within) {
    detail::access::check_message_type<queue_consumer>();
    detail::message_queue::batch::check(most, to_timespan(within),
                                        "get_messages()");
    return {get_core(), queue(), most, to_timespan(within)};
  }

  /// Gets what is still queued when `run()` is over, if the options say
  /// `on_stop::hand_over`: once, before `on_shutdown()`, with what is left of
  /// the grace period. An exception fails the worker; then, and when it is
  /// destroyed because it takes too long, the messages are dead letters, reason
  /// `lost`. (Q6)
  virtual task<> hand_over(std::vector<T> rest);

  /// The queue itself.
  [[nodiscard]] detail::message_queue& queue() const {
    return find_queue(get_core());
  }

private:
  friend struct detail::access;

  using message_queue_type = detail::typed_queue<T>;

  /// Gives a readable error for a type that cannot be sent.
  static constexpr void check_message_type() {
    static_assert(std::copy_constructible<T>,
                  "a message of a queue_consumer must be copyable, because CAF "
                  "shares messages between actors: wrap what can only be moved "
                  "in a std::shared_ptr");
    static_assert(std::is_nothrow_destructible_v<T>,
                  "the destructor of a message of a queue_consumer must not "
                  "throw: it runs on whatever thread lets go of the message "
                  "last, where nobody could catch it");
    if constexpr (std::copy_constructible<T>)
      static_assert(detail::queue_types<T>::have_type_ids,
                    "the message type of this queue_consumer has no CAF type "
                    "id: write CAF_BEGIN_TYPE_ID_BLOCK(my_app, "
                    "first_custom_type_id) CAF_ADD_TYPE_ID(my_app, (my_type)) "
                    "CAF_END_TYPE_ID_BLOCK(my_app) before its first use, and "
                    "name caf::id_block::my_app in CAF_MAIN");
  }

  std::shared_ptr<detail::message_queue> make_queue() override {
    return std::make_unique<message_queue_type>();
  }

  task<> hand_over_queue() final;
};

template <class T>
task<> queue_consumer<T>::hand_over(std::vector<T>) {
  throw std::logic_error("its options say on_stop::hand_over, and its class "
                         "does not override hand_over()");
  co_return;
}

template <class T>
task<> queue_consumer<T>::hand_over_queue() {
  detail::message_queue::handover all{get_core(), queue()};
  std::vector<T> rest;
  rest.reserve(all.size());
  for (auto* i = all.first(); i != nullptr; i = i->next) {
    auto& x = static_cast<typename detail::typed_queue<T>::typed_node&>(*i);
    rest.push_back(x.take_or_copy(queue().keeps_content()));
  }
  auto call = hand_over(std::move(rest));
  co_await std::move(call);
  all.done();
}

} // namespace troupe
