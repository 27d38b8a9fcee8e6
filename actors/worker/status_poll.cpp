// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/status_poll.hpp"

#include "base/wait_for_signal.hpp"

#include <utility>

namespace troupe::detail {

namespace {

/// How many are asked before one of them has answered: a burst of wake-ups is
/// what CAF's scheduler takes badly.
constexpr std::size_t window = 128;

} // namespace

std::shared_ptr<const status_poll>
status_poll::hold(runtime& rt, std::vector<core_ptr> whom, timespan patience) {
  auto self = std::make_shared<status_poll>();
  self->whom_ = std::move(whom);
  const auto begin = rt.time().now();
  const auto limit = deadline_after(begin, patience);
  auto wait_for_less_than = [&](std::size_t most) {
    return rt.block_until(
      [&] { return self->awaited() < most; }, limit,
      [&] {
        std::unique_lock guard{self->mtx_};
        wait_for_signal(self->fewer_, guard, limit,
                        [&] { return self->awaited_ < most; });
      },
      [] { return std::string{"asking workers for their status"}; });
  };
  for (const auto& who : self->whom_) {
    if (!wait_for_less_than(window)) {
      self->overlook(who);
      continue;
    }
    const auto now = rt.time().now();
    self->ask(who, limit == never || now - begin < limit - now);
  }
  wait_for_less_than(1);
  rt.forget_poller(self);
  return self;
}

void status_poll::ask(const core_ptr& who, bool in_time) {
  {
    std::unique_lock guard{mtx_};
    if (!replies_.emplace(who.get(), reply{in_time, std::nullopt}).second)
      return;
    ++awaited_;
  }
  if (!who->ask_status(shared_from_this()))
    withdraw(*who);
}

/// It shows what its core says.
void status_poll::overlook(const core_ptr& who) {
  std::unique_lock guard{mtx_};
  replies_.emplace(who.get(), reply{false, std::nullopt});
}

/// There is nobody in the core who could answer.
void status_poll::withdraw(const worker_core& who) {
  std::unique_lock guard{mtx_};
  replies_.erase(&who);
  --awaited_;
}

void status_poll::answer(const worker_core& who, status_fields fields) {
  {
    std::unique_lock guard{mtx_};
    auto i = replies_.find(&who);
    if (i == replies_.end() || i->second.said)
      return;
    i->second.said = std::move(fields);
    --awaited_;
    fewer_.notify_all();
  }
  who.rt().notify();
}

std::size_t status_poll::awaited() const {
  std::unique_lock guard{mtx_};
  return awaited_;
}

[[gnu::cold]] void status_poll::describe(const worker_core& who,
                                         tree_status& to) const {
  std::unique_lock guard{mtx_};
  const auto i = replies_.find(&who);
  if (i == replies_.end())
    return;
  const auto& found = i->second;
  if (found.said)
    to.fields = *found.said;
  else if (found.in_time)
    to.answering = false;
  else
    to.overlooked = true;
}

bool status_poll::is_mute(const worker_core& who) const {
  std::unique_lock guard{mtx_};
  auto i = replies_.find(&who);
  return i != replies_.end() && i->second.in_time && !i->second.said;
}

bool answers(const core_ptr& who, timespan patience) {
  return !status_poll::hold(who->rt(), {who}, patience)->is_mute(*who);
}

} // namespace troupe::detail
