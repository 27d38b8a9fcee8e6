// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "testing/run_queue.hpp"

#include <utility>

namespace troupe::testing {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014). The distributions of <random> differ
// from one standard library to the next, so they are no use here.
std::uint64_t draw(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  auto x = state;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

} // namespace

run_queue::run_queue(std::uint64_t seed) noexcept
  : shuffled_(seed != 0), state_(seed) {
  // nop
}

void run_queue::push(caf::resumable* job) {
  jobs_.push_back(job);
}

caf::resumable* run_queue::pop() {
  if (jobs_.empty())
    return nullptr;
  if (shuffled_ && jobs_.size() > 1)
    std::swap(jobs_.front(), jobs_[draw(state_) % jobs_.size()]);
  auto* job = jobs_.front();
  jobs_.pop_front();
  return job;
}

} // namespace troupe::testing
