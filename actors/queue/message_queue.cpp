// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/message_queue.hpp"

#include "base/linked_list.hpp"
#include "queue/after_unlock.hpp"
#include "rules/naming.hpp"
#include "rules/queueing.hpp"
#include "system/stream.hpp"
#include "troupe/detail/message_awaiter.hpp"
#include "worker/worker_core.hpp"

#include <optional>
#include <utility>

namespace troupe {

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

namespace {

/// Stops `arrivals` after eight thousand messages.
auto some_at_once() {
  return [n = 0]() mutable { return ++n == 16; };
}

} // namespace

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
      take, [this](node* x) { append_new(x); }, some_at_once());
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

// -- message_queue: the life of the worker -------------------------------------

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
  try {
    // To destroy it is all that the thread does.
    runtime_->run_on_thread([rest = std::move(*rest)] {},
                            threads::at_stop::join);
  } catch (...) {
    return; // There is no thread, so it was destroyed here.
  }
}

/// Counts all that is queued as dead letters, and makes them of the first few
/// thousand.
/// @returns the others.
std::optional<message_queue::backlog>
message_queue::write_off(fate how) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  closed_ = true;
  give_out_ = false;
  shut_inbox();
  const auto abandoned = how == fate::abandoned;
  auto& count = abandoned ? counts_.abandoned : counts_.discarded;
  const auto why = abandoned ? dead_letter_reason::abandoned
                             : dead_letter_reason::discarded;
  auto to_dead_letters = [&](node_ptr x) {
    --counts_.queued;
    ++count;
    out.add_dead_letter(x.release(), why);
  };
  if (abandoned) {
    // Nobody resumes those to whom a message was promised.
    while (auto* who = promised_.first) {
      who->leave_line();
      to_dead_letters(std::move(who->got_));
    }
  }
  collect_unless(some_at_once());
  for (auto left = buried_at_once; left > 0 && first_ != nullptr; --left)
    to_dead_letters(unlink_first());
  if (abandoned)
    end_message(how, out);
  refuse_waiting(out);
  if (first_ == nullptr && arrivals_.empty())
    return std::nullopt;
  const auto unnumbered = arrivals_.count();
  const auto numbered = counts_.queued - promised_.size();
  counts_.sent += unnumbered;
  counts_.queued -= numbered;
  count += numbered + unnumbered;
  last_ = nullptr;
  return backlog{shared_from_this(), why, std::exchange(first_, nullptr),
                 std::exchange(arrivals_, {})};
}

void message_queue::end_message(fate how) noexcept {
  after_unlock out{*this};
  std::unique_lock guard{mtx_};
  end_message(how, out);
}

void message_queue::end_message(fate how, after_unlock& out) noexcept {
  auto n = std::exchange(counts_.in_progress, 0);
  if (n != 0)
    report_handled();
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
        // Where a stop was asked for there is no next life.
        if (has_lives_ && !closed_ && !x->spent
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

/// Tells whoever counts how long a message was in hand.
void message_queue::report_handled() noexcept {
  const auto since = std::exchange(in_hand_since_, never);
  if (since == never)
    return;
  if (auto* counting = runtime_->get_meter())
    counting->handled(runtime_->time().now() - since);
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
  for (auto** end = &result.senders; first_sender_ != nullptr;
       end = &(*end)->next_) {
    *end = first_sender_;
    unhold(**end);
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

/// Makes one message that was queued the one in progress.
void message_queue::begin_message(after_unlock& out) noexcept {
  --counts_.queued;
  ++counts_.in_progress;
  if (runtime_->get_meter() != nullptr)
    in_hand_since_ = runtime_->time().now();
  admit(out);
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

} // namespace troupe
