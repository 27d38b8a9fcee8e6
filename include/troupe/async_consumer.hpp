// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/typed_queue.hpp"
#include "troupe/dispatcher.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/task.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/error.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace troupe {

namespace detail {

/// The queue of an `async_consumer`, and the handlers that others have added:
/// both survive a restart. Thread-safe.
template <class T>
class consumer_queue final : public typed_queue<T> {
public:
  using registry = handler_registry<T, task<>>;

  using table = typename registry::table;

  /// The handlers as they are now; null if nobody has added any.
  [[nodiscard]] std::shared_ptr<const table> guests() const {
    const std::lock_guard guard{guests_mtx_};
    return guests_;
  }

  /// Has `f` change them: a copy, since those that run have the others.
  /// @returns what `f` does.
  template <class F>
  auto change_guests(F f) {
    std::shared_ptr<const table> former; // goes without the lock
    const std::lock_guard guard{guests_mtx_};
    auto next = std::make_shared<table>();
    if (guests_ != nullptr)
      *next = registry::clone(*guests_);
    auto result = f(*next);
    former = std::exchange(guests_, std::move(next));
    return result;
  }

private:
  mutable std::mutex guests_mtx_;
  std::shared_ptr<const table> guests_;
};

/// Why no handlers of that worker can be changed, or nothing.
[[nodiscard]] caf::error why_no_handlers(const worker_handle& of);

[[nodiscard]] caf::error no_such_handler(const worker_handle& of,
                                         std::string_view name);

} // namespace detail

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
///
/// Others add handlers, and remove these again, with a handle to it, while it
/// runs: `mail_room::add_handler(ref, "letter.count", f)`. (Q17)
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
        const auto guests = queue_of(this->get_core()).guests();
        auto all = dispatcher_.dispatch_kept(message, guests.get());
        static_cast<void>(co_await std::move(all));
      }),
      dispatcher_(std::forward<Ts>(xs)...) {
    // nop
  }

  // -- handlers from outside (any thread, any actor) --------------------------

  /// Adds a handler from outside: it gets each message that begins to be
  /// handled after this, beside the handlers of the class and after them. It
  /// stays when the worker is restarted. One that was added with the same type
  /// and tag is replaced. (Q17)
  /// @param event `"type.tag"`, or `"type"` for an empty tag. If the class
  ///              has a handler of that name, both are called.
  /// @param f Called as `f(const T&)` on the worker's actor, or a coroutine.
  ///          It goes with the last message in progress that has it, on
  ///          whatever thread that is.
  /// @returns no error, or `errc::queue_closed` if the worker takes no more
  ///          messages, or `errc::invalid_argument` for a handle that points to
  ///          nobody.
  /// @throws std::invalid_argument as `async_dispatcher::register_handler`.
  template <detail::event_handler<T> F>
  static caf::error add_handler(const worker_ref<async_consumer>& to,
                                std::string_view event, F&& f) {
    auto key = detail::handler_key::parse(event);
    auto made = detail::as_event_handler<task<>, T>(std::forward<F>(f));
    return change(to, [&](table& all) {
      return registry::put(all, std::move(key), std::move(made));
    });
  }

  /// The same for an alternative of a `std::variant`.
  template <class Event, detail::event_handler<Event> F>
  static caf::error add_handler(const worker_ref<async_consumer>& to,
                                std::string_view tag, F&& f) {
    detail::check_handler_tag(tag);
    auto made = detail::as_event_handler<task<>, Event>(std::forward<F>(f));
    return change(to, [&](table& all) {
      return registry::template put<Event>(all, tag, std::move(made));
    });
  }

  /// Removes a handler that was added from outside. A message in progress is
  /// handled by all that it began with, so the handler may still run for a
  /// while after this.
  /// @returns no error, or `errc::not_found` if nobody has added one of that
  ///          name, or as `add_handler`.
  /// @throws std::invalid_argument if `event` has more than one dot.
  static caf::error remove_handler(const worker_ref<async_consumer>& from,
                                   std::string_view event) {
    const auto key = detail::handler_key::parse(event);
    return remove(from, event,
                  [&](table& all) { return registry::take(all, key); });
  }

  /// The same for an alternative of a `std::variant`.
  template <class Event>
  static caf::error remove_handler(const worker_ref<async_consumer>& from,
                                   std::string_view tag = {}) {
    return remove(from, tag, [&](table& all) {
      return registry::template take<Event>(all, tag);
    });
  }

protected:
  /// The handlers, by type of message. They belong to the worker: use them in
  /// the constructor, in handlers and in hooks.
  [[nodiscard]] async_dispatcher<T>& dispatcher() noexcept {
    return dispatcher_;
  }

private:
  friend struct detail::access;

  using message_queue_type = detail::consumer_queue<T>;

  using registry = typename message_queue_type::registry;

  using table = typename message_queue_type::table;

  std::shared_ptr<detail::message_queue> make_queue() override {
    return std::make_unique<message_queue_type>();
  }

  [[nodiscard]] static message_queue_type& queue_of(detail::worker_core& core) {
    return static_cast<message_queue_type&>(worker::find_queue(core));
  }

  template <class F>
  static caf::error change(const worker_ref<async_consumer>& of, F f) {
    if (auto why = detail::why_no_handlers(of))
      return why;
    // A handler that is replaced goes here, without the lock.
    static_cast<void>(
      queue_of(*detail::access::core_of(of)).change_guests(std::move(f)));
    return {};
  }

  template <class F>
  static caf::error
  remove(const worker_ref<async_consumer>& from, std::string_view name, F f) {
    auto found = false;
    auto err = change(from, [&](table& all) {
      auto former = f(all);
      found = static_cast<bool>(former);
      return former;
    });
    return err || found ? err : detail::no_such_handler(from, name);
  }

  async_dispatcher<T> dispatcher_;
};

} // namespace troupe
