// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "queue/after_unlock.hpp"

#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/stream.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace troupe::detail {

void held_request::answer(std::string_view path) const {
  caf::message content;
  if (!taken_)
    content = caf::make_message(message_queue::refusal(receipt::closed, path));
  from_->enqueue(compat::make_element(nullptr, answer_, std::move(content)),
                 nullptr);
}

void held_request::decided(bool taken,
                           message_queue::after_unlock& out) noexcept {
  taken_ = taken;
  out.answer(*this);
}

void message_queue::after_unlock::run() noexcept {
  auto wanted = from_.letters_ != nullptr && from_.letters_->wanted();
  while (first_ != nullptr) {
    std::unique_ptr<node> x{std::exchange(first_, first_->next)};
    if (x->dead)
      from_.runtime_->count_dead_letters(x->reason, 1);
    if (wanted && x->dead)
      publish(x->reason, x.get());
  }
  if (unseen_ > 0)
    from_.runtime_->count_dead_letters(unseen_reason_, unseen_);
  for (; wanted && unseen_ > 0; --unseen_)
    publish(unseen_reason_, nullptr);
  while (answers_ != nullptr) {
    std::unique_ptr<held_request> x{std::exchange(answers_, answers_->next)};
    x->answer(from_.path_);
  }
}

message_queue::backlog::backlog(std::shared_ptr<message_queue> from,
                                dead_letter_reason why, node* first,
                                const arrivals<node>& rest) noexcept
  : from_(std::move(from)),
    why_(why),
    first_(first),
    rest_(rest),
    is_echo_(echo_mark::is_set()) {
  // nop
}

message_queue::backlog::~backlog() {
  if (!from_)
    return;
  const echo_mark mark{is_echo_};
  while (first_ != nullptr)
    bury_listed(buried_at_once);
  for (auto over = false; !over;) {
    after_unlock out{*from_};
    over = rest_.move_on([&](node* x) { out.add_dead_letter(x, why_); },
                         arrivals<node>::after(buried_at_once));
  }
}

bool message_queue::backlog::bury_some() noexcept {
  auto& time = from_->runtime_->time();
  const auto end = time.now() + buried_for;
  std::size_t done = 0;
  for (std::size_t n = 1; first_ != nullptr && done < buried_at_once; n *= 2) {
    const auto most = std::min(n, buried_at_once - done);
    bury_listed(most);
    done += most;
    if (time.now() >= end)
      break;
  }
  return first_ == nullptr && rest_.empty();
}

/// Makes dead letters of the first `n` in the list.
void message_queue::backlog::bury_listed(std::size_t n) noexcept {
  after_unlock out{*from_};
  for (; n > 0 && first_ != nullptr; --n)
    out.add_dead_letter(std::exchange(first_, first_->next), why_);
}

void message_queue::after_unlock::publish(dead_letter_reason why,
                                          node* what) noexcept {
  try {
    dead_letter x{why, from_.path_, from_.runtime_->time().now(), {}, nullptr};
    if (what != nullptr) {
      x.thrown = std::move(what->thrown);
      try {
        x.message = what->content();
      } catch (...) {
        // It cannot be moved: the letter goes without it.
        if (!x.thrown)
          x.thrown = std::current_exception();
      }
    }
    from_.letters_->publish(std::move(x));
  } catch (...) {
    return; // Nobody can be told of it. It has been counted.
  }
}

} // namespace troupe::detail
