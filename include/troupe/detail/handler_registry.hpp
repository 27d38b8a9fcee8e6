// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/handler_list.hpp"
#include "troupe/task.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

namespace troupe::detail {

/// A callable that can be a handler of an `Event`.
template <class F, class Event>
concept event_handler = std::invocable<std::decay_t<F>&, const Event&>;

/// Whether `f` is a pointer, or something like a `std::function`, in which
/// there is nothing to call.
template <class F>
bool is_empty_function(const F& f) noexcept {
  if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>)
    return f == nullptr;
  else if constexpr (requires { f.operator bool(); })
    return !f.operator bool();
  else
    return false;
}

/// Makes what a registry calls of what the user gave.
/// @tparam R `void` where handlers are plain functions, `task<>` where they may
///           be coroutines as well.
template <class R, class Event, event_handler<Event> F>
shared_function<R(const Event&)> as_event_handler(F&& f) {
  using fun = std::decay_t<F>;
  using result = std::invoke_result_t<fun&, const Event&>;
  using stored = shared_function<R(const Event&)>;
  static_assert(std::is_void_v<R> || !is_task<result>
                  || std::is_same_v<result, task<>>,
                "a handler that is a coroutine gives nothing: it returns "
                "troupe::task<>");
  static_assert(!std::is_void_v<R> || !is_task<result>,
                "a handler of a dispatcher is a plain function, and nobody "
                "would await this coroutine: use troupe::async_dispatcher");
  fun target(std::forward<F>(f));
  if (is_empty_function(target))
    refuse_empty_handler();
  if constexpr (std::is_void_v<R> || is_task<result>)
    return stored{std::move(target)};
  else
    return stored{
      [target = std::move(target)](const Event& x) mutable -> task<> {
        std::invoke(target, x);
        co_return;
      }};
}

/// The handlers, by type of message: the part that `dispatcher<T>` and
/// `async_dispatcher<T>` have in common. Here a message says its type by name.
/// @tparam R What handlers give, see `as_event_handler`.
template <class T, class R>
class handler_registry {
public:
  using message_type = T;

  /// A handler as it is kept; empty where there is none. It can be registered
  /// again.
  using handler = shared_function<R(const T&)>;

  /// @param event_type Says the type of a message: a function, or a pointer to
  ///                   a member, that gives something like a string.
  template <class F>
    requires std::is_invocable_r_v<std::string_view, F&, const T&>
  explicit handler_registry(F event_type)
    : find_([event_type = std::move(event_type)](const table& all,
                                                 const T& x) mutable {
        // A string that the function makes lives as long as it is looked up.
        return find_in(all, std::invoke(event_type, x));
      }) {
    // nop
  }

  /// Makes `f` the handler of `event`, in the place of the former one.
  /// @param event `"type.tag"`, or `"type"` for an empty tag.
  /// @param f Called as `f(const T&)`.
  /// @returns the former one, or an empty handler.
  /// @throws std::invalid_argument if `event` has more than one dot, or if `f`
  ///         is empty.
  template <event_handler<T> F>
  handler register_handler(std::string_view event, F&& f) {
    auto key = handler_key::parse(event);
    return put(all_, std::move(key),
               as_event_handler<R, T>(std::forward<F>(f)));
  }

  /// Removes the handler of `event`.
  /// @returns the handler, or an empty one if there was none.
  /// @throws std::invalid_argument if `event` has more than one dot.
  handler unregister_handler(std::string_view event) {
    return take(all_, handler_key::parse(event));
  }

  /// Whether there is a handler of `event`.
  /// @throws std::invalid_argument if `event` has more than one dot.
  [[nodiscard]] bool has_handler(std::string_view event) const {
    const auto key = handler_key::parse(event);
    const auto* found = find_in(all_, key.type);
    return found != nullptr && found->contains(key.tag);
  }

  /// How many messages had no handler.
  [[nodiscard]] std::uint64_t unhandled() const noexcept {
    return unhandled_;
  }

private:
  using list = handler_list<R(const T&)>;

  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

public:
  // -- for the library: handlers by type --------------------------------------

  using table = std::unordered_map<std::string, list, hash, std::equal_to<>>;

  /// A table with the same handlers, of which no round has anything.
  [[nodiscard]] static table clone(const table& all) {
    table result;
    for (const auto& [type, handlers] : all)
      result.emplace(type, handlers.clone());
    return result;
  }

  static handler put(table& all, handler_key key, handler f) {
    return all[std::move(key.type)].put(key.tag, std::move(f));
  }

  static handler take(table& all, const handler_key& key) {
    const auto i = all.find(std::string_view{key.type});
    if (i == all.end())
      return {};
    auto result = i->second.take(key.tag);
    if (i->second.empty())
      all.erase(i);
    return result;
  }

protected:
  /// Returns `f(own, guests, message)`, which point to the places of the
  /// handlers of this message, here and in another table, or are null where
  /// there are none.
  template <class F>
  auto with_rounds(const T& message, const table* others, F f) {
    auto round_in = [&](const table& all) {
      const auto* found = find_(all, message);
      return found != nullptr ? found->round() : nullptr;
    };
    auto own = round_in(all_);
    auto guests = others != nullptr ? round_in(*others) : nullptr;
    if (own == nullptr && guests == nullptr)
      ++unhandled_;
    return f(std::move(own), std::move(guests), message);
  }

private:
  static const list* find_in(const table& all, std::string_view type) {
    const auto i = all.find(type);
    return i != all.end() ? &i->second : nullptr;
  }

  table all_;
  unique_function<const list*(const table&, const T&)> find_;
  std::uint64_t unhandled_ = 0;
};

/// The handlers of messages that are variants: the type of a message is that of
/// its alternative.
template <class... Ts, class R>
class handler_registry<std::variant<Ts...>, R> {
public:
  using message_type = std::variant<Ts...>;

  /// A handler as it is kept; empty where there is none. It can be registered
  /// again.
  template <class Event>
  using handler = shared_function<R(const Event&)>;

  /// Makes `f` the handler of an alternative, in the place of the former one
  /// with the same tag.
  /// @tparam Event The alternative.
  /// @param tag Tells the handlers of one alternative apart.
  /// @param f Called as `f(const Event&)`.
  /// @returns the former one, or an empty handler.
  /// @throws std::invalid_argument if the tag has a dot, or if `f` is empty.
  template <class Event, event_handler<Event> F>
  handler<Event> register_handler(std::string_view tag, F&& f) {
    check_handler_tag(tag);
    return put<Event>(all_, tag,
                      as_event_handler<R, Event>(std::forward<F>(f)));
  }

  /// As above, with an empty tag.
  template <class Event, event_handler<Event> F>
  handler<Event> register_handler(F&& f) {
    return register_handler<Event>(std::string_view{}, std::forward<F>(f));
  }

  /// Removes the handler of an alternative.
  /// @returns the handler, or an empty one if there was none.
  template <class Event>
  handler<Event> unregister_handler(std::string_view tag = {}) {
    return take<Event>(all_, tag);
  }

  /// Whether there is a handler of this alternative, with this tag.
  template <class Event>
  [[nodiscard]] bool has_handler(std::string_view tag = {}) const noexcept {
    return list_of<Event>(all_).contains(tag);
  }

  /// How many messages had no handler.
  [[nodiscard]] std::uint64_t unhandled() const noexcept {
    return unhandled_;
  }

  // -- for the library: handlers by type --------------------------------------

  using table = std::tuple<handler_list<R(const Ts&)>...>;

  /// A table with the same handlers, of which no round has anything.
  [[nodiscard]] static table clone(const table& all) {
    return std::apply(
      [](const auto&... handlers) { return table{handlers.clone()...}; }, all);
  }

  template <class Event>
  static handler<Event>
  put(table& all, std::string_view tag, handler<Event> f) {
    return list_of<Event>(all).put(tag, std::move(f));
  }

  template <class Event>
  static handler<Event> take(table& all, std::string_view tag) {
    return list_of<Event>(all).take(tag);
  }

protected:
  /// Returns `f(own, guests, event)`, where `event` is the message's
  /// alternative, and the others point to the places of its handlers, here and
  /// in another table, or are null where there are none.
  template <class F>
  auto with_rounds(const message_type& message, const table* others, F f) {
    return std::visit(
      [&]<class Event>(const Event& event) {
        auto own = list_of<Event>(all_).round();
        auto guests = others != nullptr ? list_of<Event>(*others).round()
                                        : nullptr;
        if (own == nullptr && guests == nullptr)
          ++unhandled_;
        return f(std::move(own), std::move(guests), event);
      },
      message);
  }

private:
  template <class Event, class Lists>
  static auto& list_of(Lists& all) noexcept {
    static_assert((std::is_same_v<Event, Ts> || ...),
                  "this type is no alternative of the variant that the "
                  "dispatcher takes");
    return std::get<handler_list<R(const Event&)>>(all);
  }

  table all_;
  std::uint64_t unhandled_ = 0;
};

} // namespace troupe::detail
