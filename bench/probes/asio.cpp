// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#if __has_include(<asio.hpp>)
#  include <asio.hpp>
#endif

// Asio has coroutines with some compilers only.
#if defined(ASIO_HAS_CO_AWAIT)

#  include <cstddef>
#  include <memory>
#  include <stdexcept>
#  include <vector>

namespace troupe::bench {

namespace {

/// Waits until its timer is cancelled, which is the stop.
asio::awaitable<void> wait(asio::steady_timer& never, std::size_t& ready) {
  ++ready;
  asio::error_code ignored;
  co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace

bool has_asio() noexcept {
  return true;
}

/// Coroutines of Asio: without actors, queues, or somebody who restarts them.
figures asio_workers(std::size_t size) {
  asio::io_context context{1};
  std::vector<std::unique_ptr<asio::steady_timer>> timers;
  timers.reserve(size);
  std::size_t ready = 0;
  const auto before = resident_bytes();
  auto start = stopwatch::now();
  for (std::size_t i = 0; i < size; ++i) {
    timers.push_back(std::make_unique<asio::steady_timer>(
      context, asio::steady_timer::time_point::max()));
    asio::co_spawn(context, wait(*timers.back(), ready), asio::detached);
  }
  context.poll();
  if (ready != size)
    throw std::runtime_error{"not all coroutines of Asio have begun"};
  const auto started = nanos_since(start);
  const auto bytes = resident_bytes() - before;
  start = stopwatch::now();
  for (auto& x : timers)
    x->cancel();
  context.run();
  timers.clear();
  return for_each(size, started, bytes, nanos_since(start));
}

} // namespace troupe::bench

#else

#  include <stdexcept>

namespace troupe::bench {

bool has_asio() noexcept {
  return false;
}

figures asio_workers(std::size_t) {
  throw std::runtime_error{"Asio is not installed"};
}

} // namespace troupe::bench

#endif
