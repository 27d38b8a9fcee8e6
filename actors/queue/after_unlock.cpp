// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "queue/after_unlock.hpp"

#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/stream.hpp"

#include <exception>
#include <memory>
#include <utility>

namespace troupe {

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

message_queue::backlog::~backlog() {
  if (!from_)
    return;
  for (auto over = false; !over;) {
    after_unlock out{*from_};
    auto to_dead_letters = [&](node* x) { out.add_dead_letter(x, why_); };
    for (auto n = buried_at_once; n > 0 && first_ != nullptr; --n)
      to_dead_letters(std::exchange(first_, first_->next));
    over = first_ == nullptr
           && rest_.move_on(to_dead_letters,
                            arrivals<node>::after(buried_at_once));
  }
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

} // namespace troupe
