// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "ledger.hpp"

#include <troupe/error.hpp>

#include <algorithm>

namespace summarise {

ledger::ledger(const std::vector<input>& inputs) {
  for (const auto& each : inputs) {
    auto status = std::string{"not begun"};
    if (each.problem.empty())
      ++open_;
    else
      status = "failed: " + each.problem;
    entries_.push_back({.shown = {each.title, {}, std::move(status)}});
  }
}

std::string ledger::name_of(const article& which) const {
  return '[' + std::to_string(which.number) + '/' + std::to_string(size())
         + "] " + which.title;
}

int ledger::begin(const article& which) {
  const auto lock = std::lock_guard{mutex_};
  auto& found = at(which);
  if (!found.begun)
    found.begun = steady::now();
  return ++found.tries;
}

std::chrono::milliseconds ledger::finish(const article& which, bool is_cut) {
  const auto lock = std::lock_guard{mutex_};
  auto& found = at(which);
  found.shown.status = is_cut ? "done, but cut at --max-tokens" : "done";
  found.done = true;
  stop_clock(found);
  settle();
  return *found.shown.time;
}

void ledger::bury(const troupe::dead_letter& letter) {
  using troupe::dead_letter_reason;
  const auto lock = std::lock_guard{mutex_};
  auto& found = at(letter.message.get_as<article>(0));
  auto why = std::string{found.begun ? "stopped" : "not begun"};
  if (letter.thrown)
    why = troupe::text_of(letter.thrown);
  found.shown.status = "dead letter (" + to_string(letter.reason) + "): " + why;
  stop_clock(found);
  // Any other reason says that its worker is ending, and all with it.
  if (letter.reason == dead_letter_reason::failed)
    settle();
}

void ledger::wait(const std::stop_token& stop) {
  auto lock = std::unique_lock{mutex_};
  settled_.wait(lock, stop, [this] { return open_ == 0; });
}

size_t ledger::done() const {
  const auto lock = std::lock_guard{mutex_};
  return static_cast<size_t>(std::ranges::count_if(entries_, &entry::done));
}

size_t ledger::size() const {
  return entries_.size(); // never changes
}

std::vector<row> ledger::rows() const {
  const auto lock = std::lock_guard{mutex_};
  auto result = std::vector<row>{};
  for (const auto& each : entries_)
    result.push_back(each.shown);
  return result;
}

ledger::entry& ledger::at(const article& which) {
  return entries_[which.number - 1];
}

void ledger::stop_clock(entry& which) {
  if (which.begun)
    which.shown.time = std::chrono::duration_cast<std::chrono::milliseconds>(
      steady::now() - *which.begun);
}

void ledger::settle() {
  if (--open_ == 0)
    settled_.notify_all();
}

} // namespace summarise
