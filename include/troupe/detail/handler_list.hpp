// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/shared_function.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::detail {

/// The key of a handler: the type of its events, and a tag that tells the
/// handlers of one type apart.
struct handler_key {
  std::string type;
  std::string tag;

  /// Reads `"type"` or `"type.tag"`.
  /// @throws std::invalid_argument if there is more than one dot.
  [[nodiscard]] static handler_key parse(std::string_view event);
};

/// Throws unless `tag` can be a tag: without a dot.
void check_handler_tag(std::string_view tag);

/// Throws because a handler was given that cannot be called.
[[noreturn]] void refuse_empty_handler();

/// The handlers for one type of event, in the order of their registration; the
/// part that the dispatchers have in common.
///
/// It may change while its handlers run. A round of calls holds the list as it
/// was when the round began, and a change meanwhile changes a copy. A place
/// that is emptied before its turn is passed over, and one that gets another
/// handler calls that one.
template <class Signature>
class handler_list {
public:
  using handler = shared_function<Signature>;

  /// Where a handler stands in the order. It is empty once it was removed.
  struct place {
    std::string tag;
    handler call;
  };

  using places = std::vector<std::shared_ptr<place>>;

  /// The list as it is when a round of calls begins.
  using round_ptr = std::shared_ptr<const places>;

  /// The list as it is now, or null if it is empty.
  [[nodiscard]] round_ptr round() const noexcept {
    return places_;
  }

  [[nodiscard]] bool empty() const noexcept {
    return places_ == nullptr;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return places_ != nullptr ? places_->size() : 0;
  }

  [[nodiscard]] bool contains(std::string_view tag) const noexcept {
    return find(tag) != nullptr;
  }

  /// A list of its own with the same handlers: no round has its places.
  [[nodiscard]] handler_list clone() const {
    handler_list result;
    if (places_ == nullptr)
      return result;
    result.places_ = std::make_shared<places>();
    for (const auto& x : *places_)
      result.places_->push_back(std::make_shared<place>(*x));
    return result;
  }

  /// Puts `f` in the place with this tag, or else at the end.
  /// @returns the handler that was there before; else one that is empty.
  handler put(std::string_view tag, handler f) {
    if (auto* x = find(tag))
      return std::exchange(x->call, std::move(f));
    auto added = std::make_shared<place>(place{std::string{tag}, std::move(f)});
    own_copy().push_back(std::move(added));
    return {};
  }

  /// Removes the place with this tag.
  /// @returns the handler that was there; else one that is empty.
  handler take(std::string_view tag) {
    auto* x = find(tag);
    if (x == nullptr)
      return {};
    auto result = std::exchange(x->call, nullptr);
    if (places_->size() == 1)
      places_ = nullptr;
    else
      std::erase_if(own_copy(), [x](auto& y) { return y.get() == x; });
    return result;
  }

private:
  [[nodiscard]] place* find(std::string_view tag) const noexcept {
    if (places_ == nullptr)
      return nullptr;
    auto i = std::find_if(places_->begin(), places_->end(),
                          [tag](auto& x) { return x->tag == tag; });
    return i != places_->end() ? i->get() : nullptr;
  }

  // The places, such that no round has them.
  places& own_copy() {
    if (places_ == nullptr)
      places_ = std::make_shared<places>();
    else if (places_.use_count() > 1)
      places_ = std::make_shared<places>(*places_);
    return *places_;
  }

  std::shared_ptr<places> places_;
};

} // namespace troupe::detail
