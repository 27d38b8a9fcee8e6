// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/dead_letter.hpp"

#include "rules/printable.hpp"
#include "system/subscribe.hpp"
#include "troupe/error.hpp"
#include "worker/runtime_of.hpp"

#include <utility>

namespace troupe {

using namespace detail;

std::string to_string(const dead_letter& x) {
  return rules::printable(
    x.path + ": " + to_string(x.reason) + " "
    + (x.message.empty() ? "a message that is gone" : caf::to_string(x.message))
    + (x.thrown ? ": " + text_of(x.thrown) : ""));
}

namespace {

/// A function that sends each dead letter to the queue that is full would be
/// called for ever.
constexpr auto echo = " sends messages that are dead letters again: it is not "
                      "told of those, which are counted as missed";

} // namespace

subscription on_dead_letter(caf::actor_system& sys,
                            std::function<void(const dead_letter&)> f,
                            std::size_t capacity) {
  auto rt = runtime::of(sys);
  return subscribe(rt, rt->dead_letters(), {}, std::move(f), capacity,
                   "on_dead_letter", echo);
}

subscription on_dead_letter(const worker_handle& root,
                            std::function<void(const dead_letter&)> f,
                            std::size_t capacity) {
  auto& rt = runtime_of(root);
  return subscribe(rt, rt->dead_letters(), root.path(), std::move(f), capacity,
                   "on_dead_letter", echo);
}

} // namespace troupe
