// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/message_awaiter.hpp"
#include "troupe/detail/typed_queue.hpp"
#include "troupe/task.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::detail {

/// Messages that are in progress together. Unless they are `done()`, their
/// content is kept for whatever becomes of them; those of a wait that does not
/// come to its end go back into the queue.
class message_queue::batch {
public:
  batch(worker_core& core, message_queue& queue) noexcept
    : core_(&core), queue_(&queue) {
    // nop
  }

  batch(const batch&) = delete;

  batch& operator=(const batch&) = delete;

  ~batch() {
    if (filled_)
      keep();
    else
      give_back();
  }

  /// Waits for messages, of which there is none yet. Those that were in
  /// progress before are handled.
  /// @param within For how long to wait for others, once there is one.
  /// @returns whether there are any: else it is the end.
  /// @pre `most` is not zero
  task<bool> fill(std::size_t most, timespan within);

  [[nodiscard]] const std::vector<node_ptr>& nodes() const noexcept {
    return nodes_;
  }

  /// They have been handled, or nobody needs their content.
  void done() noexcept {
    nodes_.clear();
  }

  /// The callback has thrown this on them.
  void note(const std::exception_ptr& thrown) noexcept;

  /// They have come to an end that is not a good one.
  void end(fate how) noexcept;

  /// @param call For the text of the error.
  /// @throws std::invalid_argument if these mean nothing.
  static void check(std::size_t most, timespan within, std::string_view call);

private:
  void keep() noexcept;

  void give_back() noexcept;

  worker_core* core_;
  message_queue* queue_;
  std::vector<node_ptr> nodes_;
  bool filled_ = false;
};

/// Gets several `T`, or none: see `queue_consumer::get_messages`.
template <class T>
task<std::optional<std::vector<T>>>
get_batch(worker_core& core, message_queue& queue, std::size_t most,
          timespan within) {
  message_queue::batch got{core, queue};
  auto filling = got.fill(most, within);
  const auto any = co_await std::move(filling);
  if (!any)
    co_return std::nullopt;
  const auto stays = queue.keeps_content();
  std::vector<T> result;
  result.reserve(got.nodes().size());
  for (auto& x : got.nodes())
    result.push_back(
      static_cast<typename typed_queue<T>::typed_node&>(*x).take_or_copy(
        stays));
  if (!stays)
    got.done();
  co_return result;
}

/// A wait for several messages that has not begun.
template <class T>
class [[nodiscard("co_await it")]] batch_awaitable {
public:
  batch_awaitable(worker_core& core, message_queue& queue, std::size_t most,
                  timespan within) noexcept
    : core_(&core), queue_(&queue), most_(most), within_(within) {
    // nop
  }

  auto operator co_await() const {
    return get_batch<T>(*core_, *queue_, most_, within_).operator co_await();
  }

private:
  worker_core* core_;
  message_queue* queue_;
  std::size_t most_;
  timespan within_;
};

} // namespace troupe::detail
