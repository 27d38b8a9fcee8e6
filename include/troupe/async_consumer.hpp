// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dispatcher.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/task.hpp"

#include <concepts>
#include <cstddef>
#include <utility>

namespace troupe {

/// A worker with a queue that gives each message to every handler of its type:
/// a `queue_worker` whose callback is an `async_dispatcher`.
///
/// <!-- snippet: header-async-consumer -->
/// ~~~
/// class mail_room : public troupe::async_consumer<std::string> {
/// public:
///   mail_room() : async_consumer(&kind_of) {
///     dispatcher().register_handler(
///       "letter.file", [this](std::string x) -> troupe::task<> {
///         co_await sleep_for(1ms); // looks for the right folder
///         print("filed a " + x);
///       });
///   }
///
/// private:
///   static std::string kind_of(const std::string& x) {
///     return x.substr(0, x.find(' '));
///   }
/// };
/// ~~~
/// <!-- end -->
///
/// One message after another: the next one has its turn when all handlers of
/// the last one have ended. When one of them fails, the others finish first;
/// then `queue_options::on_error` decides, as for the callback of a
/// `queue_worker`. A retry calls all of them again. (Q12)
///
/// A message that has no handler is handled, and counted in
/// `async_dispatcher::unhandled`.
template <class T>
class async_consumer : public queue_worker<T> {
public:
  /// @param xs For the constructor of the dispatcher: the function that says
  ///           the type of a message; nothing, for a `std::variant`; or another
  ///           dispatcher, with its handlers.
  template <class... Ts>
    requires std::constructible_from<async_dispatcher<T>, Ts...>
  explicit async_consumer(Ts&&... xs)
    : queue_worker<T>([this](const T& message) -> task<> {
        // The queue keeps the message until this has ended.
        auto all = dispatcher_.dispatch_kept(message);
        static_cast<void>(co_await std::move(all));
      }),
      dispatcher_(std::forward<Ts>(xs)...) {
    // nop
  }

protected:
  /// The handlers, by type of message. They belong to the worker: use them in
  /// the constructor, in handlers and in hooks.
  [[nodiscard]] async_dispatcher<T>& dispatcher() noexcept {
    return dispatcher_;
  }

private:
  async_dispatcher<T> dispatcher_;
};

} // namespace troupe
