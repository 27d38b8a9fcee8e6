// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/job_board.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"

#include <caf/actor_system.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// A store of jobs that says what a test wants it to say. Thread-safe.
class fake_jobs final : public troupe::detail::job_keeper {
public:
  explicit fake_jobs(caf::actor_system& sys, std::string name)
    : rt_(troupe::detail::runtime::of(sys)),
      name_(std::move(name)),
      place_(rt_->jobs().enter(*this)) {
    // nop
  }

  ~fake_jobs() override {
    rt_->jobs().leave(place_);
  }

  [[nodiscard]] std::string name() const override {
    return name_;
  }

  struct content {
    troupe::detail::job_store_figures now;
    std::vector<troupe::detail::buried_job> in_graves;
    /// Why it does not answer; empty: it does.
    std::string away;
    std::vector<std::string> done;
  };

  /// Has `f` change, or read, what it says.
  template <class F>
  auto with(F f) {
    const std::unique_lock guard{mtx_};
    return f(content_);
  }

  caf::expected<troupe::detail::job_store_figures> figures() override {
    const std::unique_lock guard{mtx_};
    if (!content_.away.empty())
      return caf::make_error(troupe::errc::store_failed, content_.away);
    return content_.now;
  }

  caf::expected<std::vector<troupe::detail::buried_job>>
  buried(std::int64_t after, std::size_t at_most) override {
    const std::unique_lock guard{mtx_};
    if (!content_.away.empty())
      return caf::make_error(troupe::errc::store_failed, content_.away);
    std::vector<troupe::detail::buried_job> result;
    for (const auto& x : content_.in_graves)
      if (x.id > after && result.size() < at_most)
        result.push_back(x);
    return result;
  }

  caf::error requeue(std::int64_t id) override {
    return take("requeue", id);
  }

  caf::error purge(std::int64_t id) override {
    return take("purge", id);
  }

private:
  caf::error take(const std::string& verb, std::int64_t id) {
    const std::unique_lock guard{mtx_};
    const auto n = std::erase_if(content_.in_graves,
                                 [id](const auto& x) { return x.id == id; });
    if (n == 0)
      return caf::make_error(troupe::errc::not_found,
                             "no job " + std::to_string(id) + " is buried");
    content_.done.push_back(verb + ' ' + std::to_string(id));
    return {};
  }

  std::shared_ptr<troupe::detail::runtime> rt_;
  std::string name_;
  std::mutex mtx_;
  content content_;
  std::shared_ptr<troupe::detail::job_board::place> place_;
};

} // namespace support
