// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "system/job_board.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::durable {

class store_thread;

/// A store, to those who look at it: on the board of its actor system as long
/// as this lives.
class store_view final : public detail::job_keeper {
public:
  explicit store_view(store_thread& where);

  /// Waits until nobody looks any more, which is some seconds at most.
  ~store_view() override;

  [[nodiscard]] std::string name() const override;

  [[nodiscard]] caf::expected<detail::job_store_figures> figures() override;

  [[nodiscard]] caf::expected<std::vector<detail::buried_job>>
  buried(std::int64_t after, std::size_t at_most) override;

  caf::error requeue(std::int64_t id) override;

  caf::error purge(std::int64_t id) override;

private:
  template <class T>
  caf::expected<T> ask(std::function<T(engine&)> f);

  caf::error change(std::int64_t id, std::function<bool(engine&)> f,
                    const char* expected);

  store_thread& where_;
  std::shared_ptr<detail::job_board::place> place_;
};

} // namespace troupe::durable
