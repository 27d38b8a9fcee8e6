// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/journal.hpp"

#include <utility>

namespace stress {

void journal::begin(const char* what, std::string whom) {
  std::unique_lock guard{mtx_};
  auto& x = entries_[begun_ % kept];
  x.what = what;
  x.whom = std::move(whom);
  x.number = begun_++;
  x.over = false;
  since_ = std::chrono::steady_clock::now();
}

void journal::end() {
  std::unique_lock guard{mtx_};
  if (begun_ > 0)
    entries_[(begun_ - 1) % kept].over = true;
  since_ = time_point::max();
}

journal::time_point journal::busy_since() const {
  std::unique_lock guard{mtx_};
  return since_;
}

void journal::print(std::FILE* out) const {
  std::unique_lock guard{mtx_, std::try_to_lock};
  if (!guard)
    return;
  std::fprintf(out, "  %s, after %llu operations:\n", owner_.c_str(),
               static_cast<unsigned long long>(begun_));
  for (auto n = begun_ > kept ? begun_ - kept : 0; n < begun_; ++n) {
    auto& x = entries_[n % kept];
    std::fprintf(out, "    %llu %s %s%s\n",
                 static_cast<unsigned long long>(x.number), x.what,
                 x.whom.c_str(), x.over ? "" : " (has not returned)");
  }
}

} // namespace stress
