// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/campaign.hpp"
#include "cluster/candidacy.hpp"
#include "cluster/directory.hpp"
#include "cluster/grant.hpp"
#include "cluster/session.hpp"
#include "system/runtime.hpp"
#include "troupe/cluster/node.hpp"
#include "troupe/detail/clock.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::cluster {

/// The part of a node that lives as long as a grant of it does: it feeds the
/// rules of the session and of each campaign with what happens, and carries out
/// what they answer. It has no thread: a timer of the clock, an answer of the
/// directory or a child that waits is at it, under its lock; so a grant ends in
/// time when every thread of the scheduler is stuck.
class node_core : public std::enable_shared_from_this<node_core> {
public:
  /// @throws as the constructor of `node`
  node_core(caf::actor_system& sys, node_options how);

  ~node_core();

  // -- properties -------------------------------------------------------------

  [[nodiscard]] const node_options& options() const noexcept {
    return how_;
  }

  [[nodiscard]] detail::runtime& rt() const noexcept {
    return *rt_;
  }

  [[nodiscard]] const std::shared_ptr<detail::runtime>&
  shared_rt() const noexcept {
    return rt_;
  }

  [[nodiscard]] node_status status();

  [[nodiscard]] member_list members();

  [[nodiscard]] caf::error wait_until_member(timespan within);

  // -- life -------------------------------------------------------------------

  void begin();

  /// Ends all grants, and then gives the lease back.
  void leave();

  // -- candidacies ------------------------------------------------------------

  /// @returns what is wrong, or an empty string.
  [[nodiscard]] std::string enter(candidacy& who);

  [[nodiscard]] candidacy::news take(candidacy& who);

  void worker_over(candidacy& who);

  void worker_hangs(candidacy& who);

  void leave(candidacy& who) noexcept;

  [[nodiscard]] status_fields describe(const candidacy& who);

  // -- writes -----------------------------------------------------------------

  /// Puts a key as long as the key of a grant is there.
  void put_guarded(const grant& guard, const std::string& key,
                   const std::string& value, taker<bool> to);

  /// Whether a key is one of troupe's own.
  [[nodiscard]] bool is_own_key(const std::string& key) const;

private:
  class turn;

  /// A singleton, as this node has a part in it.
  struct contest {
    explicit contest(rules::campaign c) : campaign(std::move(c)) {
      // nop
    }

    rules::campaign campaign;
    candidacy* host = nullptr;
    std::shared_ptr<grant> running; // or about to
    bool offered = false;           // the host has not taken it yet
    cluster::on_overrun overrun = cluster::on_overrun::exit_process;
    std::string path;
  };

  using contests = std::map<std::string, contest>;

  /// The time by which leases are counted.
  [[nodiscard]] time_point now() const noexcept;

  /// A function for an answer, which comes when this may be gone.
  template <class T, class F>
  [[nodiscard]] taker<T> taker_of(F f);

  void heed(const rules::session_orders& orders);

  void heed(contests::iterator which, const rules::campaign_orders& orders);

  void ask_for_lease();

  void put_member(rules::lease_id lease);

  void renew(rules::lease_id lease);

  void claim(contests::iterator which, rules::lease_id lease);

  void release(contests::iterator which, std::int64_t made_at);

  void overrun(const contest& which);

  void look();

  void see(const listing& what);

  void tick();

  /// Gives the lease back once nothing needs it any more.
  void part();

  void schedule();

  void tell_hosts();

  /// Whether code may run that relies on the lease.
  [[nodiscard]] bool is_needed() const;

  [[nodiscard]] std::string trouble() const;

  [[nodiscard]] bool is_silent() const;

  void log(unsigned level, const std::string& text);

  std::string own_text() const;

  const std::shared_ptr<detail::runtime> rt_;
  const node_options how_;
  const directory_ptr directory_;
  std::unique_ptr<connection> connection_; // null without leases

  std::mutex mtx_;
  std::condition_variable changed_;
  rules::session session_;
  contests contests_;
  std::vector<member> members_;
  std::vector<std::function<void()>> after_unlock_;
  detail::job_ptr timer_;
  time_point heard_at_;        // the last answer
  time_point look_at_ = never; // the next full look
  bool looking_ = false;       // an answer is awaited
  bool look_again_ = false;    // and not new enough
  bool leaving_ = false;
  std::string last_error_; // of the directory
  std::string taken_by_;   // who has the name
  std::string told_trouble_;
};

} // namespace troupe::cluster
