// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/message_queue.hpp"

#include "base/linked_list.hpp"
#include "queue/after_unlock.hpp"
#include "rules/naming.hpp"
#include "rules/queueing.hpp"
#include "system/stream.hpp"
#include "troupe/detail/message_awaiter.hpp"
#include "troupe/detail/submission.hpp"
#include "troupe/detail/waiting_sender.hpp"
#include "worker/worker_core.hpp"

#include <optional>
#include <tuple>
#include <utility>

namespace troupe::detail {

// -- waiting sender ------------------------------------------------------------

message_queue::waiting_sender::waiting_sender(node_ptr what) noexcept
  : what_(std::move(what)) {
  // nop
}

message_queue::waiting_sender::~waiting_sender() = default;

// -- submission ----------------------------------------------------------------

submission::submission(message_queue::node_ptr what) noexcept
  : what_(std::move(what)), sender_(rules::patience::none) {
  // nop
}

submission::submission(message_queue::node_ptr what, caf::strong_actor_ptr from,
                       caf::message_id answer) noexcept
  : what_(std::move(what)),
    from_(std::move(from)),
    answer_(answer),
    sender_(rules::patience::answer) {
  // nop
}

submission::submission(message_queue::waiting_sender& who) noexcept
  : who_(&who), sender_(rules::patience::for_room) {
  // nop
}

message_queue::waiting_sender& submission::to_hold() {
  return who_ != nullptr
           ? *who_
           : *new held_request{std::move(what_), std::move(from_), answer_};
}

// -- message_sink --------------------------------------------------------------

message_sink::~message_sink() = default;

void message_sink::assign(message_node&) const {
  // nop
}

queue_group::~queue_group() = default;

// -- message_queue: senders ----------------------------------------------------

message_queue::~message_queue() {
  collect();
  for (auto* list : {first_, given_out_})
    while (list != nullptr)
      delete std::exchange(list, list->next);
}

void message_queue::attach(worker_core& core, const queue_options& how) {
  {
    std::unique_lock guard{mtx_};
    if (!runtime_) {
      path_ = core.path();
      runtime_ = core.shared_rt();
      options_ = how;
      has_lives_ = core.owner() != nullptr;
      keeps_content_ = (has_lives_ && how.redeliver > 0)
                       || how.on_error.what() == on_error::action::retry;
      letters_ = &runtime_->dead_letters();
    }
  }
  attach(core);
}

void message_queue::attach(worker_core& core) {
  if (auto pool = this->pool())
    pool->housed(*this, core);
  std::unique_lock guard{mtx_};
  open_inbox();
}

/// Takes a message without a lock, if it would be queued whatever else holds.
bool message_queue::push_unlocked(node_ptr& x) noexcept {
  auto* raw = x.release();
  auto taken = inbox_.push(raw); // After that somebody else may delete it.
  if (!taken)
    x.reset(raw);
  return taken;
}

bool message_queue::push(node_ptr x) {
  if (push_unlocked(x))
    return true;
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  return decide(x, rules::patience::none, out) == receipt::taken;
}

receipt message_queue::submit(submission& x) {
  if (push_unlocked(x.what()))
    return receipt::taken;
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  return take(x, out);
}

receipt message_queue::offer(submission& x, after_unlock& out) {
  if (push_unlocked(x.what()))
    return receipt::taken;
  std::unique_lock guard{mtx_};
  return closed_ ? receipt::closed : take(x, out);
}

/// Takes a message, or puts its sender into the line.
receipt message_queue::take(submission& x, after_unlock& out) {
  auto result = decide(x.what(), x.sender(), out);
  if (result == receipt::held)
    hold(x.to_hold());
  return result;
}

void message_queue::fail(node_ptr x, std::exception_ptr thrown) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  ++counts_.sent;
  ++counts_.failed;
  x->thrown = std::move(thrown);
  out.add_dead_letter(x.release(), dead_letter_reason::failed);
}

message_queue::node_ptr message_queue::hold_unread(caf::message x) {
  struct unread final : node {
    explicit unread(caf::message x) : what(std::move(x)) {
      // nop
    }

    [[nodiscard]] caf::message content() override {
      return std::move(what);
    }

    caf::message what;
  };
  return std::make_unique<unread>(std::move(x));
}

void message_queue::withdraw(waiting_sender& who) noexcept {
  // While the lock of its pool is held, nobody moves it to another queue.
  std::unique_lock<std::mutex> pool_guard;
  auto pool = this->pool();
  if (pool)
    pool_guard = pool->lock();
  if (who.queue_ == nullptr)
    return;
  auto& queue = *who.queue_;
  std::unique_lock guard{queue.mtx_};
  if (who.held_)
    queue.unhold(who);
}

/// Decides over a message that comes, and does it, unless it is to be held.
receipt message_queue::decide(node_ptr& x, rules::patience sender,
                              after_unlock& out) noexcept {
  if (!closed_)
    collect();
  auto refuse = [&](std::uint64_t& count, dead_letter_reason why) {
    ++counts_.sent;
    ++count;
    out.add_dead_letter(x.release(), why);
  };
  const rules::queue_view at{closed_, counts_.queued, options_.capacity,
                             options_.overflow};
  switch (rules::admit(at, sender)) {
    case rules::admission::take:
      accept(std::move(x));
      return receipt::taken;
    case rules::admission::drop_oldest: {
      append_new(x.release());
      --counts_.queued;
      ++counts_.dropped;
      out.add_dead_letter(unlink_oldest().release(),
                          dead_letter_reason::dropped);
      return receipt::taken;
    }
    case rules::admission::drop:
      refuse(counts_.dropped, dead_letter_reason::dropped);
      return receipt::full;
    case rules::admission::reject:
      refuse(counts_.rejected, dead_letter_reason::rejected);
      return receipt::full;
    case rules::admission::refuse:
      refuse(counts_.closed, dead_letter_reason::closed);
      return receipt::closed;
    case rules::admission::hold:
      break;
  }
  return receipt::held;
}

/// Queues what came without a lock, in the order of its coming.
void message_queue::collect() noexcept {
  collect_unless([] { return false; });
}

/// Takes the lock when all that came before is queued. Others have their turn
/// with it meanwhile: a million messages take long.
std::unique_lock<small_mutex> message_queue::lock_collected() noexcept {
  std::unique_lock guard{mtx_};
  auto taken = false;
  auto take = [this, &taken]() -> node* {
    return std::exchange(taken, true) ? nullptr : inbox_.take();
  };
  auto step = [this, &take] {
    return arrivals_.move(
      take, [this](node* x) { append_new(x); },
      arrivals<node>::after(collected_at_once));
  };
  while (!step()) {
    guard.unlock();
    guard.lock();
  }
  return guard;
}

/// The same, until `stop()` says so.
/// @returns whether all is queued.
template <class Stop>
bool message_queue::collect_unless(Stop stop) noexcept {
  return arrivals_.move([this] { return inbox_.take(); },
                        [this](node* x) { append_new(x); }, stop);
}

/// Queues some thousand of them.
void message_queue::collect_some() noexcept {
  std::ignore = collect_unless(arrivals<node>::after(collected_at_once));
}

/// @param core The core of the worker that wants it. It gets none when it is
///             about to be destroyed, however many there are.
message_queue::node_ptr
message_queue::pop_front(const worker_core& core) noexcept {
  if (!give_out_)
    return nullptr;
  if (first_ == nullptr)
    collect_unless([&core] { return core.frozen(); });
  if (first_ == nullptr)
    return nullptr;
  return unlink_first();
}

/// From now on each message that comes needs the lock.
void message_queue::shut_inbox() noexcept {
  arrivals_.put_aside(inbox_.shut());
}

/// Undoes `shut_inbox`, if no message that comes needs the lock.
void message_queue::open_inbox() noexcept {
  if (!closed_ && options_.capacity == unbounded && waiting_.first == nullptr)
    inbox_.open();
}

/// Counts a message in.
void message_queue::number(node& x) noexcept {
  x.number = ++counts_.sent;
  ++counts_.queued;
}

/// Takes a message: it waits, unless somebody waits for it.
void message_queue::accept(node_ptr x) noexcept {
  number(*x);
  if (auto* who = waiting_.first)
    who->promise(std::move(x));
  else
    append(x.release());
}

/// Counts a message in that has to wait, behind the others.
void message_queue::append_new(node* x) noexcept {
  number(*x);
  append(x);
}

void message_queue::append(node* x) noexcept {
  x->next = nullptr;
  if (last_ != nullptr)
    last_->next = x;
  else
    first_ = x;
  last_ = x;
}

message_queue::node_ptr message_queue::unlink_first() noexcept {
  auto* result = std::exchange(first_, first_->next);
  if (first_ == nullptr)
    last_ = nullptr;
  return node_ptr{result};
}

/// Takes out the message that has waited longest. If it has been promised to a
/// wait, that one gets the next.
message_queue::node_ptr message_queue::unlink_oldest() noexcept {
  auto* who = promised_.first;
  if (who == nullptr)
    return unlink_first();
  auto result = std::move(who->got_);
  for (; who->next_in_line_ != nullptr; who = who->next_in_line_)
    who->got_ = std::move(who->next_in_line_->got_);
  who->got_ = unlink_first();
  return result;
}

// -- message_queue: room -------------------------------------------------------

void message_queue::hold(waiting_sender& who) noexcept {
  who.queue_ = this;
  who.held_ = true;
  link_last(who, first_sender_, last_sender_, &waiting_sender::next_,
            &waiting_sender::previous_);
}

void message_queue::unhold(waiting_sender& who) noexcept {
  who.held_ = false;
  unlink(who, first_sender_, last_sender_, &waiting_sender::next_,
         &waiting_sender::previous_);
}

/// Lets in those for whom there is room now.
void message_queue::admit(after_unlock& out) noexcept {
  while (first_sender_ != nullptr && !closed_
         && counts_.queued < options_.capacity) {
    auto& who = *first_sender_;
    unhold(who);
    accept(std::move(who.what_));
    who.decided(true, out);
  }
}

void message_queue::refuse_waiting(after_unlock& out) noexcept {
  while (first_sender_ != nullptr) {
    auto& who = *first_sender_;
    unhold(who);
    ++counts_.sent;
    ++counts_.closed;
    out.add_dead_letter(who.what_.release(), dead_letter_reason::closed);
    who.decided(false, out);
  }
}

void message_queue::refuse_waiting() noexcept {
  if (auto pool = this->pool())
    pool->take_over(*this, false);
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  refuse_waiting(out);
}

// -- message_queue: pools --------------------------------------------------------

message_queue::load_info message_queue::load() noexcept {
  const auto guard = lock_collected();
  return {closed_, counts_.queued >= options_.capacity,
          counts_.queued + counts_.in_progress};
}

message_queue::leftovers
message_queue::release_leftovers(bool messages) noexcept {
  leftovers result;
  const auto guard = lock_collected();
  waiting_sender* last = nullptr;
  while (auto* next = first_sender_) {
    unhold(*next);
    (last != nullptr ? last->next_ : result.senders) = next;
    last = next;
  }
  if (messages) {
    result.messages = std::exchange(first_, nullptr);
    last_ = nullptr;
    for (auto* i = result.messages; i != nullptr; i = i->next) {
      --counts_.sent;
      --counts_.queued;
    }
  }
  return result;
}

bool message_queue::take_over(node_ptr& x, bool anyhow) noexcept {
  const auto guard = lock_collected();
  if (closed_ && !anyhow)
    return false;
  if (closed_) {
    append_new(x.release());
  } else {
    accept(std::move(x));
  }
  return true;
}

bool message_queue::take_over(waiting_sender& who, bool anyhow,
                              after_unlock& out) noexcept {
  std::unique_lock guard{mtx_};
  if (closed_ && !anyhow)
    return false;
  hold(who);
  admit(out);
  return true;
}

message_queue::waiting_sender*
message_queue::take_first(waiting_sender*& list) noexcept {
  return std::exchange(list, std::exchange(list->next_, nullptr));
}

} // namespace troupe::detail
