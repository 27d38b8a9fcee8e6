// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/event_ring.hpp"

#include "rules/within.hpp"

#include <algorithm>
#include <utility>

namespace troupe::observing {

void event_ring::put(std::string path, std::string_view data) {
  std::unique_lock guard{mtx_};
  const auto number = ++last_;
  auto text = "{\"id\":" + std::to_string(number) + ',';
  text += data.substr(1);
  kept_.push_back(std::make_shared<const entry>(
    entry{number, std::move(path), std::move(text)}));
  if (kept_.size() > capacity_)
    kept_.pop_front();
}

void event_ring::skip(std::uint64_t n) {
  if (n == 0)
    return;
  std::unique_lock guard{mtx_};
  last_ += n;
}

std::uint64_t event_ring::last() const {
  std::unique_lock guard{mtx_};
  return last_;
}

event_ring::batch event_ring::read(std::uint64_t after) const {
  std::unique_lock guard{mtx_};
  after = std::min(after, last_);
  batch result;
  result.last = last_;
  auto first = std::find_if(kept_.begin(), kept_.end(), [after](const auto& x) {
    return x->number > after;
  });
  result.events.assign(first, kept_.end());
  result.missed = last_ - after - result.events.size();
  return result;
}

std::string to_stream(const event_ring::batch& x, std::string_view under) {
  std::string result;
  if (x.missed != 0)
    result += "event: missed\ndata: {\"missed\":" + std::to_string(x.missed)
              + "}\n\n";
  for (const auto& event : x.events)
    if (under.empty() || path_is_within(event->path, under))
      result += "id: " + std::to_string(event->number)
                + "\nevent: lifecycle\ndata: " + event->data + "\n\n";
  return result;
}

} // namespace troupe::observing
