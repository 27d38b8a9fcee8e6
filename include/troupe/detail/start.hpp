// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/expected.hpp>

#include <tuple>
#include <utility>

namespace troupe::detail {

/// A linked child that has been constructed but not started: what
/// `worker::start` returns.
template <class W>
class [[nodiscard("co_await it")]] start_awaitable {
public:
  explicit start_awaitable(worker_ref<W> child) : child_(std::move(child)) {
    // nop
  }

  class awaiter final : public lifecycle_awaiter {
  public:
    explicit awaiter(worker_ref<W> child)
      : lifecycle_awaiter(access::core_of(child), what::ready),
        child_(std::move(child)),
        refused_(child_.start()) {
      // nop
    }

    caf::expected<worker_ref<W>> await_resume() {
      if (refused_)
        return std::move(refused_);
      if (auto err = why_not_ready())
        return err;
      return std::move(child_);
    }

  private:
    worker_ref<W> child_;
    caf::error refused_;
  };

  awaiter operator co_await() && {
    return awaiter{std::move(child_)};
  }

private:
  worker_ref<W> child_;
};

} // namespace troupe::detail

namespace troupe {

template <std::derived_from<worker> W, class... Ts>
detail::start_awaitable<W> worker::start(worker_options options, Ts&&... xs) {
  detail::check_worker_class<W>();
  static_assert(std::is_abstract_v<W> || std::is_constructible_v<W, Ts...>,
                "the worker has no constructor for these arguments; the "
                "arguments after the options go to its constructor");
  detail::check_messages_known<W>();
  auto object = std::make_unique<W>(std::forward<Ts>(xs)...);
  return detail::start_awaitable<W>{detail::access::make<worker_ref<W>>(
    spawn_child(std::move(options), typeid(W), std::move(object)))};
}

template <std::derived_from<worker> W>
detail::start_awaitable<W> worker::start() {
  return start<W>(worker_options{});
}

} // namespace troupe
