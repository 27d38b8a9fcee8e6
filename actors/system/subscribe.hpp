// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/within.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/stream.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe::detail {

/// Whether `x`, which has a path, concerns `root` or somebody below it.
/// @param root Empty for everybody.
template <class T>
[[nodiscard]] bool concerns(const T& x, const std::string& root) noexcept {
  return root.empty() || path_is_within(x.path, root);
}

/// Has a function of the user's called with what a stream of `rt` has to say
/// of `root` and of those below it.
/// @param call What the user has called, for the texts of errors.
/// @param echo What is logged when the function gives rise to values itself,
///             which it does not get then; null if it is to get them.
template <class T>
[[nodiscard]] subscription
subscribe(const std::shared_ptr<runtime>& rt, stream<T>& source,
          std::string root, std::function<void(const T&)> f,
          std::size_t capacity, std::string call, const char* echo = nullptr) {
  if (!f)
    throw std::invalid_argument(call + " was given an empty function");
  if (capacity == 0)
    throw std::invalid_argument(call
                                + " was given a capacity of 0; a subscriber "
                                  "needs room for one value at least");
  std::weak_ptr<runtime> weak{rt};
  std::function<void()> on_echo;
  if (echo != nullptr)
    on_echo = [weak, text = "a function given to " + call + echo] {
      if (auto there = weak.lock())
        there->log(compat::log_warning, text);
    };
  auto on_missed = [weak, call, capacity](std::uint64_t n) {
    if (auto there = weak.lock())
      there->log(compat::log_warning,
                 "a function given to " + call + " has missed "
                   + std::to_string(n) + ": it was too slow for its capacity, "
                   + std::to_string(capacity)
                   + "; give it a larger one, or less to do");
  };
  auto sink = std::make_shared<function_sink<T>>(
    std::move(f),
    [root = std::move(root)](const T& x) { return concerns(x, root); },
    capacity,
    [weak](unique_function<void()> job) {
      if (auto there = weak.lock())
        there->run_on_thread(std::move(job), threads::at_stop::join);
    },
    [weak, call = std::move(call)](const std::exception_ptr& what) {
      if (auto there = weak.lock())
        there->complain(compat::log_error, "a function given to " + call
                                             + " failed: " + text_of(what));
    },
    std::move(on_echo), std::move(on_missed));
  source.subscribe(sink);
  return access::make<subscription>(std::move(sink));
}

} // namespace troupe::detail
