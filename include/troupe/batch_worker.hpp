// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/callback.hpp"
#include "troupe/detail/message_batch.hpp"
#include "troupe/options.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/task.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace troupe {

/// A `queue_worker` whose callback gets several messages at a time: for what is
/// cheaper together, such as rows of a database in one transaction.
///
/// <!-- snippet: header-batch-worker -->
/// ~~~
/// auto writer = troupe::spawn<troupe::batch_worker<std::string>>(
///   sys, {.name = "writer"}, 500, 100ms,
///   [](const std::vector<std::string>& rows) {
///     print("commits " + std::to_string(rows.size()) + " rows");
///   });
/// writer.startup();
/// ~~~
/// <!-- end -->
///
/// A batch is one message in all that follows: all of it is in progress until
/// the callback has ended. `queue_options::on_error` decides about all of it; a
/// crash brings all of it back with `redeliver`, in order. (Q15)
/// @tparam T What the queue holds, see `queue_consumer`.
template <class T>
class batch_worker : public queue_consumer<T> {
public:
  /// What the callback gets.
  using batch = std::vector<T>;

  /// @param most How many messages a batch has at most, 1 or more.
  /// @param within How long it waits for more of them, once there is one. Zero
  ///               takes those that are there. A stop ends the wait.
  /// @param f Called with each batch, which is never empty; takes a
  ///          `std::vector<T>` or a `const` reference to one, returns nothing
  ///          or a `task<>`. A coroutine may keep the reference: the batch
  ///          stays until it has ended. As with `queue_worker`, a vector is
  ///          moved into it, or copied if it may be needed again.
  /// @throws std::invalid_argument if `most` is 0, or `within` negative.
  template <callback_for<batch> F>
  batch_worker(std::size_t most, timespan within, F f)
    : most_(most), within_(within), call_(std::move(f)) {
    detail::message_queue::batch::check(most, within, "a batch_worker");
  }

  /// @param rest As for `queue_worker`: gets what is left in the queue at the
  ///             end, if the options say `on_stop::hand_over`.
  template <callback_for<batch> F, callback_for<batch> G>
  batch_worker(std::size_t most, timespan within, F f, G rest)
    : batch_worker(most, within, std::move(f)) {
    rest_ = detail::callback<batch>{std::move(rest)};
  }

  task<> run() override;

protected:
  /// Decides about a batch on which the callback has failed, as
  /// `queue_worker::policy_for` does about a message.
  virtual on_error policy_for([[maybe_unused]] const batch& what,
                              [[maybe_unused]] const std::exception_ptr& thrown,
                              [[maybe_unused]] int failures) {
    return this->queue().options().on_error;
  }

  task<> hand_over(std::vector<T> rest) override;

private:
  using node = typename detail::typed_queue<T>::typed_node;

  /// A batch, as the callback gets it. Its messages go back to where they came
  /// from if something else than the callback may need them.
  struct in_hand {
    in_hand(detail::worker_core& core, detail::message_queue& queue)
      : from(core, queue) {
      // nop
    }

    in_hand(const in_hand&) = delete;

    in_hand& operator=(const in_hand&) = delete;

    ~in_hand() {
      put_back();
    }

    static constexpr bool moves = std::is_nothrow_move_constructible_v<T>;

    void take() {
      messages.reserve(from.nodes().size());
      for (auto& x : from.nodes())
        messages.push_back(static_cast<node&>(*x).take_or_copy(!moves));
    }

    /// Unless the callback has moved them away.
    void put_back() noexcept {
      if constexpr (moves) {
        auto next = messages.begin();
        for (auto& x : from.nodes()) {
          if (next == messages.end())
            return;
          auto& to = static_cast<node&>(*x);
          std::destroy_at(&to.value);
          std::construct_at(&to.value, std::move(*next++));
          to.spent = false;
        }
      }
    }

    detail::message_queue::batch from; // goes after the messages are back
    batch messages;
  };

  std::size_t most_;
  timespan within_;
  detail::callback<batch> call_;
  detail::callback<batch> rest_;
  std::uint64_t chance_ = 0;
};

template <class T>
task<> batch_worker<T>::run() {
  detail::access::check_message_type<queue_consumer<T>>();
  auto& queue = this->queue();
  // A derived class may override `policy_for`, and call for a retry.
  const auto may_retry = typeid(*this) != typeid(batch_worker);
  for (;;) {
    in_hand now{this->get_core(), queue};
    auto filling = now.from.fill(most_, within_);
    const auto any = co_await std::move(filling);
    if (!any)
      co_return;
    now.take();
    for (int failures = 0;;) {
      std::exception_ptr thrown;
      try {
        const auto stays = may_retry || queue.keeps_content();
        if (call_.plain) {
          call_.plain(now.messages, stays);
        } else {
          auto call = call_.coroutine(now.messages, stays);
          co_await std::move(call);
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      if (!thrown)
        break;
      now.from.note(thrown);
      ++failures;
      auto next = failed_call::judge(this->get_core(),
                                     policy_for(now.messages, thrown, failures),
                                     failures, thrown, chance_);
      if (next.what == failed_call::verdict::retry) {
        const auto slept = co_await this->sleep_for(next.delay);
        if (slept || queue.drains())
          continue;
        next.what = failed_call::verdict::put_off;
      }
      now.put_back();
      now.from.end(next.what == failed_call::verdict::put_off
                     ? detail::message_queue::fate::put_off
                     : detail::message_queue::fate::failed);
      break;
    }
    now.from.done();
  }
}

template <class T>
task<> batch_worker<T>::hand_over(std::vector<T> rest) {
  return rest_ ? rest_.run(std::move(rest))
               : queue_consumer<T>::hand_over(std::move(rest));
}

} // namespace troupe
