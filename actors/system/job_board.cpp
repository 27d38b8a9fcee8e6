// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "system/job_board.hpp"

namespace troupe::detail {

job_keeper::~job_keeper() = default;

std::shared_ptr<job_board::place> job_board::enter(job_keeper& who) {
  auto result = std::make_shared<place>(who);
  std::unique_lock guard{mtx_};
  places_.push_back(result);
  return result;
}

void job_board::leave(const std::shared_ptr<place>& where) noexcept {
  {
    std::unique_lock guard{mtx_};
    std::erase(places_, where);
  }
  std::unique_lock guard{where->mtx_};
  where->who_ = nullptr;
}

std::vector<std::shared_ptr<job_board::place>> job_board::places() const {
  std::unique_lock guard{mtx_};
  return places_;
}

} // namespace troupe::detail
