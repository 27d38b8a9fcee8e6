// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The fates of messages in a queue: how the life of its worker opens and
// closes it, and how each message in it ends.

#include "queue/after_unlock.hpp"
#include "rules/naming.hpp"
#include "rules/queueing.hpp"
#include "system/stream.hpp"
#include "troupe/detail/message_awaiter.hpp"
#include "troupe/detail/message_queue.hpp"
#include "worker/worker_core.hpp"

#include <optional>
#include <utility>

namespace troupe::detail {

void message_queue::close(bool give_out) noexcept {
  std::unique_lock guard{mtx_};
  if (closed_)
    return; // A pool asks it until the end how it was stopped.
  closed_ = true;
  give_out_ = give_out;
  shut_inbox();
}

void message_queue::suspend() noexcept {
  std::unique_lock guard{mtx_};
  give_out_ = false;
}

void message_queue::reopen() noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  closed_ = false;
  give_out_ = true;
  admit(out);
  open_inbox();
}

bool message_queue::drains() const {
  std::unique_lock guard{mtx_};
  return closed_ && give_out_;
}

bool message_queue::drain_due() const noexcept {
  std::unique_lock guard{mtx_};
  return closed_ && give_out_ && !is_empty();
}

bool message_queue::holds_any() const noexcept {
  std::unique_lock guard{mtx_};
  return !is_empty();
}

bool message_queue::hand_over_due() const {
  std::unique_lock guard{mtx_};
  return closed_ && options_.on_stop == on_stop::hand_over && !is_empty();
}

/// Whether nothing is queued, or on its way into the queue.
bool message_queue::is_empty() const noexcept {
  return counts_.queued == 0 && arrivals_.empty() && inbox_.empty();
}

void message_queue::let_go() noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  while (waiting_.first != nullptr)
    waiting_.first->leave_line();
  take_back_promised();
  end_message(fate::abandoned, out);
}

void message_queue::break_promises() noexcept {
  std::unique_lock guard{mtx_};
  take_back_promised();
}

/// Those to whom a message was promised, and who have not seen it, get none.
void message_queue::take_back_promised() noexcept {
  while (auto* who = promised_.first) {
    who->leave_line();
    give_back(std::move(who->got_));
  }
}

void message_queue::discard(fate how) noexcept {
  if (auto pool = this->pool()) {
    close(false);
    pool->take_over(*this, true);
  }
  auto rest = write_off(how);
  if (!rest)
    return;
  if (!rest->bury_some())
    bury_elsewhere(std::move(*rest));
  // Their messages are younger.
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  refuse_waiting(out);
}

/// To destroy it is all that the thread does; without one it happens here.
void message_queue::bury_elsewhere(backlog rest) noexcept {
  try {
    runtime_->run_on_thread([rest = std::move(rest)] {},
                            threads::at_stop::join);
  } catch (...) {
    return;
  }
}

/// Counts all that is queued as dead letters.
/// @returns them, if there are any.
std::optional<message_queue::backlog>
message_queue::write_off(fate how) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  closed_ = true;
  give_out_ = false;
  shut_inbox();
  const auto abandoned = how == fate::abandoned;
  // Nobody resumes those to whom a message was promised.
  if (abandoned)
    take_back_promised();
  collect_some();
  if (abandoned)
    end_message(how, out);
  if (first_ == nullptr && arrivals_.empty()) {
    refuse_waiting(out);
    return std::nullopt;
  }
  const auto unnumbered = arrivals_.count();
  const auto numbered = counts_.queued - promised_.size();
  counts_.sent += unnumbered;
  counts_.queued -= numbered;
  (abandoned ? counts_.abandoned : counts_.discarded) += numbered + unnumbered;
  last_ = nullptr;
  return backlog{shared_from_this(),
                 abandoned ? dead_letter_reason::abandoned
                           : dead_letter_reason::discarded,
                 std::exchange(first_, nullptr), std::exchange(arrivals_, {})};
}

void message_queue::end_message(fate how) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  end_message(how, out);
}

void message_queue::end_message(fate how, after_unlock& out) noexcept {
  auto n = std::exchange(counts_.in_progress, 0);
  if (n != 0)
    report_handled(n);
  auto* kept = std::exchange(given_out_, nullptr);
  auto next = [&kept] { return std::exchange(kept, kept->next); };
  auto to_dead_letters = [&](std::uint64_t& count, dead_letter_reason why) {
    count += n;
    for (; kept != nullptr; --n)
      out.add_dead_letter(next(), why);
    if (n != 0)
      out.count_dead_letters(n, why);
  };
  switch (how) {
    case fate::handled:
    case fate::handed_over:
      (how == fate::handled ? counts_.handled : counts_.handed_over) += n;
      while (kept != nullptr)
        out.drop(next());
      break;
    case fate::failed:
      to_dead_letters(counts_.failed, dead_letter_reason::failed);
      break;
    case fate::crashed: {
      node* lost = nullptr;
      while (kept != nullptr) {
        auto* x = next();
        // After a stop there may be one more life, if that is to finish what
        // is queued.
        if (has_lives_ && (!closed_ || give_out_) && !x->spent
            && rules::redelivered(options_.redeliver, x->again)) {
          ++x->again;
          --n;
          ++counts_.queued;
          give_back(node_ptr{x});
        } else {
          x->next = std::exchange(lost, x);
        }
      }
      kept = lost;
      to_dead_letters(counts_.lost, dead_letter_reason::lost);
      break;
    }
    case fate::put_off:
      if (closed_ || give_out_) {
        to_dead_letters(counts_.failed, dead_letter_reason::failed);
        break;
      }
      counts_.queued += n;
      while (kept != nullptr)
        give_back(node_ptr{next()});
      break;
    case fate::lost:
      to_dead_letters(counts_.lost, dead_letter_reason::lost);
      break;
    case fate::abandoned:
      to_dead_letters(counts_.abandoned, dead_letter_reason::abandoned);
      break;
  }
}

/// Tells whoever counts how long messages were in hand.
void message_queue::report_handled(std::uint64_t n) noexcept {
  const auto since = std::exchange(in_hand_since_, never);
  if (since == never)
    return;
  auto* counting = runtime_->get_meter();
  if (counting == nullptr)
    return;
  const auto length = runtime_->time().now() - since;
  for (; n > 0; --n)
    counting->handled(length);
}

caf::error message_queue::refusal(receipt why, std::string_view path) {
  if (why == receipt::full)
    return caf::make_error(errc::queue_full,
                           rules::subject(path)
                             + " has no room for another message; send it "
                               "again later");
  return caf::make_error(errc::queue_closed,
                         rules::subject(path)
                           + " takes no more messages: it stops or has "
                             "ended");
}

queue_counts message_queue::counts() noexcept {
  const auto guard = lock_collected();
  return counts_;
}

// -- message_queue: the worker's own code --------------------------------------

bool message_queue::keeps_content() const noexcept {
  return keeps_content_ || letters_->wanted();
}

void message_queue::keep(worker_core& core, node_ptr x) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  keep(core, std::move(x), out);
}

void message_queue::end_message(worker_core& core, node_ptr x,
                                fate how) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  if (keep(core, std::move(x), out))
    end_message(how, out);
}

/// @returns whether the message in progress is that worker's.
bool message_queue::keep(worker_core& core, node_ptr x,
                         after_unlock& out) noexcept {
  // The code of an abandoned worker may come here when that is over, and
  // another worker has a message of this queue in hand.
  if (core.abandoned()) {
    out.drop(x.release());
    return false;
  }
  auto* raw = x.release();
  raw->next = std::exchange(given_out_, raw);
  return true;
}

/// Makes one message that was queued the one in progress.
void message_queue::begin_message(after_unlock& out) noexcept {
  --counts_.queued;
  ++counts_.in_progress;
  if (counts_.in_progress == 1 && runtime_->get_meter() != nullptr)
    in_hand_since_ = runtime_->time().now();
  admit(out);
}

message_queue::node_ptr
message_queue::take_another(const worker_core& core) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  // The messages of an abandoned worker are the next one's.
  if (core.abandoned() || core.frozen())
    return nullptr;
  auto result = pop_front(core);
  if (result)
    begin_message(out);
  return result;
}

/// Puts `x` where it was: several waits may give messages back, in any order.
/// Somebody who waits gets it at once.
void message_queue::give_back(node_ptr x) noexcept {
  if (auto* who = waiting_.first; who != nullptr && give_out_) {
    who->promise(std::move(x));
    return;
  }
  auto* raw = x.release();
  auto** where = &first_;
  while (*where != nullptr && (*where)->number < raw->number)
    where = &(*where)->next;
  raw->next = *where;
  *where = raw;
  if (raw->next == nullptr)
    last_ = raw;
}

} // namespace troupe::detail
