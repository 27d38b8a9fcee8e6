// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/cluster/memory_directory.hpp"

#include "cluster/directory.hpp"
#include "cluster/keys.hpp"
#include "cluster/lease_table.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/clock.hpp"

#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace troupe::cluster {

using namespace detail;

/// The table, and the clock of an actor system by which its leases end. A
/// question, and an answer, is a job of that clock.
class memory_directory::state final
  : public directory,
    public std::enable_shared_from_this<state> {
public:
  state(std::shared_ptr<runtime> rt, memory_options how)
    : rt_(std::move(rt)), how_(how) {
    // nop
  }

  [[nodiscard]] std::string name() const override {
    return "the directory in memory";
  }

  [[nodiscard]] timespan ttl() const override {
    return how_.ttl;
  }

  [[nodiscard]] std::unique_ptr<connection>
  connect(caf::actor_system&, const std::string& node) override;

  // -- questions ----------------------------------------------------------------

  /// Has the table asked, and the answer given to `to`.
  template <class Ask, class T>
  void ask(const std::string& node, Ask f, taker<T> to) {
    later([this, node, f, to] {
      std::unique_lock guard{mtx_};
      settle();
      if (cut_.contains(node))
        return;
      auto answer = f(table_, now());
      settle();
      guard.unlock();
      later([this, node, to, answer] {
        if (!is_cut(node))
          to(answer);
      });
    });
  }

  void watch(const std::string& node, std::string prefix,
             std::function<void()> changed) {
    std::unique_lock guard{mtx_};
    watches_.push_back({node, std::move(prefix), std::move(changed)});
  }

  void forget(const std::string& node) {
    std::unique_lock guard{mtx_};
    std::erase_if(watches_, [&node](const auto& x) { return x.node == node; });
  }

  // -- trouble ------------------------------------------------------------------

  void set_cut(const std::string& node, bool value) {
    std::unique_lock guard{mtx_};
    if (value)
      cut_.insert(node);
    else
      cut_.erase(node);
  }

  /// Changes the table, as others than nodes do.
  template <class F>
  void meddle(F f) {
    std::unique_lock guard{mtx_};
    settle();
    f(table_);
    settle();
  }

private:
  struct watcher {
    std::string node;
    std::string prefix;
    std::function<void()> changed;
  };

  [[nodiscard]] time_point now() const noexcept {
    return rt_->time().now();
  }

  [[nodiscard]] bool is_cut(const std::string& node) {
    std::unique_lock guard{mtx_};
    return cut_.contains(node);
  }

  template <class F>
  void later(F f) {
    // The clock must not hold this, which holds the clock.
    auto job = make_job([weak = weak_from_this(), f] {
      if (const auto self = weak.lock())
        f();
    });
    rt_->time().schedule(*job, deadline_after(now(), how_.way));
  }

  /// Ends what is over, and tells those who watch. With the lock held.
  void settle() {
    table_.expire(now());
    if (std::exchange(told_, table_.revision()) != table_.revision())
      for (const auto& x : watches_)
        later([this, node = x.node, changed = x.changed] {
          if (!is_cut(node))
            changed();
        });
    if (const auto due = table_.due(); due != never) {
      if (!expiry_)
        expiry_ = make_job([weak = weak_from_this()] {
          if (auto self = weak.lock()) {
            std::unique_lock guard{self->mtx_};
            self->settle();
          }
        });
      rt_->time().schedule(*expiry_, due);
    }
  }

  const std::shared_ptr<runtime> rt_;
  const memory_options how_;

  std::mutex mtx_;
  rules::lease_table table_;
  std::int64_t told_ = 1;
  std::vector<watcher> watches_;
  std::set<std::string> cut_;
  job_ptr expiry_;
};

class memory_directory::link final : public connection {
public:
  link(std::shared_ptr<state> to, std::string node)
    : to_(std::move(to)), node_(std::move(node)) {
    // nop
  }

  ~link() override {
    to_->forget(node_);
  }

  void grant(timespan ttl, taker<granted_lease> to) override {
    to_->ask(
      node_,
      [ttl](rules::lease_table& x, time_point now) {
        return reply<granted_lease>{granted_lease{x.grant(now, ttl), ttl}};
      },
      std::move(to));
  }

  void keep_alive(rules::lease_id lease, taker<bool> to) override {
    to_->ask(
      node_,
      [lease](rules::lease_table& x, time_point now) {
        return reply<bool>{x.keep_alive(now, lease)};
      },
      std::move(to));
  }

  void revoke(rules::lease_id lease) override {
    to_->ask(
      node_,
      [lease](rules::lease_table& x, time_point) {
        x.revoke(lease);
        return reply<bool>{true};
      },
      taker<bool>{[](const reply<bool>&) {}});
  }

  void claim(const std::string& key, const std::string& value,
             rules::lease_id lease, taker<rules::claim_answer> to) override {
    to_->ask(
      node_,
      [key, value, lease](rules::lease_table& x, time_point) {
        using result = reply<rules::claim_answer>;
        const auto got = x.claim(key, value, lease);
        return got ? result{*got} : result::failed("there is no such lease");
      },
      std::move(to));
  }

  void remove(const std::string& key, std::int64_t made_at,
              taker<bool> to) override {
    to_->ask(
      node_,
      [key, made_at](rules::lease_table& x, time_point) {
        return reply<bool>{x.remove(key, made_at)};
      },
      std::move(to));
  }

  void put_guarded(const std::string& key, const std::string& value,
                   const std::string& guard, std::int64_t made_at,
                   taker<bool> to) override {
    to_->ask(
      node_,
      [key, value, guard, made_at](rules::lease_table& x, time_point) {
        return reply<bool>{x.put_guarded(key, value, guard, made_at)};
      },
      std::move(to));
  }

  void list(const std::string& prefix, taker<listing> to) override {
    to_->ask(
      node_,
      [prefix](rules::lease_table& x, time_point) {
        return reply<listing>{listing{x.revision(), x.list(prefix)}};
      },
      std::move(to));
  }

  void watch(const std::string& prefix,
             std::function<void()> changed) override {
    to_->watch(node_, prefix, std::move(changed));
  }

private:
  std::shared_ptr<state> to_;
  std::string node_;
};

std::unique_ptr<connection>
memory_directory::state::connect(caf::actor_system&, const std::string& node) {
  return std::make_unique<link>(shared_from_this(), node);
}

memory_directory::memory_directory(caf::actor_system& sys, memory_options how)
  : state_(std::make_shared<state>(runtime::of(sys), how)) {
  if (how.ttl < rules::least_ttl || how.ttl > rules::most_ttl)
    throw std::invalid_argument{"memory_directory: ttl is outside of 2 s to "
                                "1 h; choose one within"};
  if (how.way < timespan::zero())
    throw std::invalid_argument{"memory_directory: way is negative; use zero "
                                "for an answer at the same time"};
}

directory_ptr memory_directory::get() const noexcept {
  return state_;
}

void memory_directory::cut(const std::string& node) {
  state_->set_cut(node, true);
}

void memory_directory::heal(const std::string& node) {
  state_->set_cut(node, false);
}

void memory_directory::end_lease(const std::string& node) {
  state_->meddle([&node](rules::lease_table& x) {
    for (const auto& y : x.list(keys::member({}, node)))
      if (y.key == keys::member({}, node))
        x.revoke(y.lease);
  });
}

void memory_directory::delete_key(const std::string& singleton) {
  state_->meddle([&singleton](rules::lease_table& x) {
    const auto key = keys::singleton({}, singleton);
    for (const auto& y : x.list(key))
      if (y.key == key)
        x.remove(key, y.made_at);
  });
}

std::string memory_directory::holder(const std::string& singleton) const {
  return value(keys::singleton({}, singleton));
}

std::string memory_directory::value(const std::string& key) const {
  std::string result;
  state_->meddle([&](rules::lease_table& x) {
    for (const auto& y : x.list(key))
      if (y.key == key)
        result = y.value;
  });
  return result;
}

} // namespace troupe::cluster
