// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/handler_registry.hpp"
#include "troupe/task.hpp"
#include "troupe/when.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace troupe {

/// Gives each message to the handlers of its type: plain functions, known by
/// `"type.tag"`. The type says which messages a handler gets; the tag tells the
/// handlers of one type apart, and may be left out.
///
/// <!-- snippet: header-dispatcher -->
/// ~~~
/// troupe::dispatcher<event> desk{&event::type}; // what says the type
/// desk.register_handler("order.stock",
///                       [](const event& x) { print("take " + x.text); });
/// desk.register_handler("order.mail",
///                       [](const event& x) { print("confirm " + x.text); });
/// auto count = desk.dispatch({"order", "3 lamps"}); // both of them
/// ~~~
/// <!-- end -->
///
/// For a `std::variant` there are no names: the type of a message is the C++
/// type of its alternative, and a handler takes that.
///
/// <!-- snippet: header-dispatcher-variant -->
/// ~~~
/// troupe::dispatcher<std::variant<order, refund>> desk;
/// desk.register_handler<refund>([](const refund& x) { print(x.why); });
/// desk.dispatch(refund{"it is broken"});
/// ~~~
/// <!-- end -->
///
/// - Handlers run in the order of their registration. All of them run, also if
///   one throws; then what the first one threw goes on.
/// - The same type and tag replaces the handler, in its place.
/// - A handler may register and remove handlers, itself among them. A handler
///   added takes part from the next message on; one removed before its turn is
///   not called any more.
/// - A message without a handler is counted, and no error.
///
/// It is a value that knows nothing of actors and has no lock: it belongs into
/// one worker. Handlers that wait belong into an `async_dispatcher`.
template <class T>
class dispatcher : public detail::handler_registry<T, void> {
public:
  using detail::handler_registry<T, void>::handler_registry;

  /// Calls the handlers of this message.
  /// @returns how many there were.
  /// @throws what the first handler threw that did, when all have run.
  std::size_t dispatch(const T& message) {
    return this->with_rounds(message, nullptr,
                             [](auto round, const auto&, const auto& event) {
                               return call_all(std::move(round), event);
                             });
  }

private:
  template <class Round, class Event>
  static std::size_t call_all(Round round, const Event& event) {
    if (round == nullptr)
      return 0;
    std::size_t count = 0;
    std::exception_ptr first;
    for (const auto& place : *round) {
      const auto call = place->call; // it may be removed while it runs
      if (!call)
        continue;
      ++count;
      try {
        call(event);
      } catch (...) {
        if (!first)
          first = std::current_exception();
      }
    }
    if (first)
      std::rethrow_exception(std::move(first));
    return count;
  }
};

/// As `dispatcher`, for handlers that may be coroutines, and so may wait.
///
/// <!-- snippet: header-async-dispatcher -->
/// ~~~
/// troupe::async_dispatcher<event> desk{&event::type};
/// desk.register_handler("order.mail", [this](event x) -> troupe::task<> {
///   co_await sleep_for(1ms); // the post office is slow
///   print("sent " + x.text);
/// });
/// auto all = desk.dispatch({"order", "5 chairs"});
/// auto count = co_await std::move(all); // when all have ended
/// ~~~
/// <!-- end -->
///
/// The handlers of one message run side by side: each in its turn until it
/// waits. When all have ended, also if one has failed, `dispatch` gives how
/// many there were, or throws what was thrown first.
///
/// A coroutine that is a lambda refers to what the lambda captured: that stays
/// while it runs, also when the handler is removed. The message stays as well.
template <class T>
class async_dispatcher : public detail::handler_registry<T, task<>> {
public:
  using detail::handler_registry<T, task<>>::handler_registry;

  /// Runs the handlers of this message and waits for all of them.
  /// @returns how many there were, when it is awaited; what was thrown first is
  ///          thrown there, when all have ended.
  /// @pre the dispatcher is there when the task is awaited; after that it may
  ///      go
  task<std::size_t> dispatch(T message) {
    auto all = dispatch_kept(message);
    const auto count = co_await std::move(all);
    co_return count;
  }

  using typename detail::handler_registry<T, task<>>::table;

  /// As above, without a copy of the message. The handlers are chosen here and
  /// now.
  /// @param others Handlers that run after those of the dispatcher, or null.
  /// @pre the message stays until the task has ended
  task<std::size_t> dispatch_kept(const T& message,
                                  const table* others = nullptr) {
    return this->with_rounds(
      message, others, [](auto own, auto guests, const auto& event) {
        return run_all(std::move(own), std::move(guests), event);
      });
  }

private:
  struct tally {
    std::size_t count = 0;
    std::exception_ptr first;
  };

  template <class Place, class Event>
  static task<> run_one(Place place, const Event& event, tally& sum) {
    const auto call = place->call; // it may be removed while it runs
    if (!call)
      co_return;
    ++sum.count;
    try {
      auto body = call(event);
      co_await std::move(body);
    } catch (...) {
      if (!sum.first)
        sum.first = std::current_exception();
    }
  }

  template <class Round, class Event>
  static task<std::size_t>
  run_all(Round own, Round guests, const Event& event) {
    tally sum;
    std::vector<task<>> parts;
    auto add = [&](const Round& round) {
      if (round == nullptr)
        return;
      for (const auto& place : *round)
        parts.push_back(run_one(place, event, sum));
    };
    add(own);
    add(guests);
    if (parts.empty())
      co_return 0;
    auto all = when_all(std::move(parts));
    co_await std::move(all);
    if (sum.first)
      std::rethrow_exception(std::move(sum.first));
    co_return sum.count;
  }
};

} // namespace troupe
