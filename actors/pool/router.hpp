// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "queue/after_unlock.hpp"
#include "rules/routing.hpp"
#include "supervisor/child_call.hpp"
#include "supervisor/child_listener.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/worker_pool.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/message_id.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::detail {

class supervisor_core;

/// Knows the queues of a pool: one of each worker that there is or was, and one
/// for what comes while nobody can take it. It decides where a message goes,
/// and puts it there, in one step; so a worker that is to go gets nothing more
/// from the moment on at which that is decided.
///
/// A queue of the pool that is closed for good, whatever the reason, leaves
/// what is still in it to the others (`take_over`), unless the pool itself
/// takes no more. The queue of a worker is used again when there is another
/// worker in its place: that is why no counts are ever forgotten.
///
/// Lives as long as the pool's core, for which it makes the queue; thread-safe.
class pool_router final : public message_sink,
                          public queue_group,
                          public child_listener,
                          public std::enable_shared_from_this<pool_router> {
public:
  explicit pool_router(pool_plan plan);

  // -- senders ----------------------------------------------------------------

  void assign(message_node& x) const override;

  receipt submit(submission& x) override;

  [[nodiscard]] std::unique_lock<std::mutex> lock() const override {
    return std::unique_lock{mtx_};
  }

  // -- the queues -------------------------------------------------------------

  void take_over(message_queue& from, bool messages) noexcept override;

  void housed(const message_queue& from, worker_core& in) override;

  /// All queues together.
  [[nodiscard]] queue_counts counts() noexcept override;

  [[nodiscard]] bool drains() const override {
    return waiting_->drains();
  }

  /// Gives the messages of its own queue to the workers that have begun to
  /// start, which finish them.
  void prepare_drain() noexcept override;

  /// Whether this is the queue of the pool itself.
  [[nodiscard]] bool is_own(const message_queue& x) const noexcept {
    return &x == waiting_.get();
  }

  /// The queue of the pool itself, which keeps this.
  [[nodiscard]] std::shared_ptr<message_queue> own_queue();

  /// The queue of the worker in that seat.
  [[nodiscard]] std::shared_ptr<message_queue> queue_of(std::size_t seat);

  // -- the workers ------------------------------------------------------------

  /// A life of the pool begins.
  /// @returns the supervisor that it is to be.
  [[nodiscard]] std::shared_ptr<const supervisor_spec> begin();

  /// Those of that life are kept by it.
  void set_owner(const std::shared_ptr<supervisor_core>& by);

  /// That life is over: lets go of the workers, which may hold this pool.
  void end(const caf::error& why) noexcept;

  /// A worker is ready: it can take messages.
  void child_ready(worker_core& who) override;

  void child_ended(worker_core& who) noexcept override;

  /// How many workers there are to be.
  [[nodiscard]] std::size_t size() const;

  using call_ptr = std::shared_ptr<child_call::progress>;

  void resize(std::size_t n, const call_ptr& call);

private:
  /// The state of the worker in a seat.
  enum class stage : std::uint8_t {
    absent,
    starting,
    there,
    leaving,
    failed, ///< It did not start; with the next `resize` it may.
  };

  struct seat {
    std::shared_ptr<message_queue> queue;
    core_ptr core; // of the worker, to see whether it is over
    stage at = stage::absent;
    bool up = false;   // it is ready
    bool open = false; // it may get messages
  };

  using after_unlock_list = std::list<message_queue::after_unlock>;

  void redistribute(message_queue& from, bool messages, after_unlock_list& out);

  void pass_over(seat& x, after_unlock_list& out);

  void note_ready(worker_core& who) noexcept;

  /// Makes the workers those that are wanted, in the seats from `first` on that
  /// are before `last`. Each change that is done calls this once more, so
  /// whatever was asked for last is what comes about.
  void reconcile(std::size_t first, std::size_t last);

  void reconcile_all() {
    reconcile(0, ~std::size_t{0});
  }

  void start_worker(supervisor_core& by, std::size_t i);

  void stop_worker(supervisor_core& by, std::size_t i);

  void arrived(std::uint64_t life, std::size_t i, const caf::error& why_not);

  void left(std::uint64_t life, std::size_t i);

  [[nodiscard]] child_spec spec_of(std::size_t i);

  [[nodiscard]] std::uint64_t life() const;

  // The following members need the lock to be held.

  [[nodiscard]] seat* choose(rules::partition where);

  [[nodiscard]] seat* find(const message_queue* queue) noexcept;

  seat& at(std::size_t i);

  [[nodiscard]] rules::pool_number number(const seat& x) const noexcept {
    return static_cast<rules::pool_number>(&x - seats_.data());
  }

  void set_stage(seat& x, stage to) noexcept;

  void set_open(seat& x, bool value);

  void clear_seats() noexcept;

  void open_ready(after_unlock_list& out);

  void close_seats(std::size_t first, std::size_t last, after_unlock_list& out);

  /// Whether nobody comes or goes.
  [[nodiscard]] bool settled() const noexcept {
    return under_way_ == 0;
  }

  const pool_plan plan_;
  const std::shared_ptr<message_queue> waiting_;

  mutable std::mutex mtx_;
  std::weak_ptr<supervisor_core>
    owner_; // of the workers, in a life of the pool
  std::uint64_t life_ = 0;
  std::vector<seat> seats_;
  std::size_t size_;
  std::size_t former_size_;               // when all was as wanted
  std::size_t under_way_ = 0;             // seats whose workers start or leave
  std::vector<rules::pool_number> open_;  // seats that are, in order
  std::vector<rules::pool_number> ready_; // seats that are to be opened
  rules::key_owners owners_;              // of partitions, among the open ones
  std::uint64_t last_ = ~std::uint64_t{0};
  std::vector<core_ptr> gone_; // to be let go of
  std::vector<call_ptr> calls_;
  caf::error why_not_; // what kept a worker from starting
};

} // namespace troupe::detail
