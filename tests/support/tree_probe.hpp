// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/dice.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// Children for tests of whole trees: they misbehave in all ways, by chance,
/// and are watched while they do.
namespace support {

/// The path of the supervisor of whoever has that path.
inline std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

inline std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// What goes on in a tree. Outlives its actor system. Thread-safe.
class tree_watch {
public:
  using id = std::uint64_t;

  /// An object is made.
  /// @returns its number, and the life that it is for its path.
  std::pair<id, std::uint64_t> enter(const std::string& path) {
    std::unique_lock guard{mtx_};
    auto& x = paths_[path];
    if (!x.active.empty())
      complain(path + " has a second object, number "
               + std::to_string(x.lives + 1)
               + ", before its first one is over");
    auto supervisor = parent_of(path);
    if (ordered_.count(supervisor) != 0 && asked_for_.count(supervisor) == 0)
      for (auto& y : objects_)
        if (y.second.starting && parent_of(y.second.path) == supervisor)
          complain(path + " was made before " + y.second.path + " was ready");
    auto number = ++made_;
    objects_.emplace(number, object{path, true});
    x.active.insert(number);
    return {number, ++x.lives};
  }

  /// It is ready.
  void ready(id number) {
    std::unique_lock guard{mtx_};
    if (auto i = objects_.find(number); i != objects_.end())
      i->second.starting = false;
  }

  /// Its life is over; the object may stay.
  void over(id number) {
    std::unique_lock guard{mtx_};
    if (auto i = objects_.find(number); i != objects_.end()) {
      i->second.starting = false;
      paths_[i->second.path].active.erase(number);
    }
  }

  /// It is destroyed.
  void leave(id number) {
    over(number);
    std::unique_lock guard{mtx_};
    if (objects_.erase(number) == 0)
      complain("an object was destroyed twice");
  }

  /// What it does from now on, in a hook.
  void in_hook(const std::string& path, int change) {
    std::unique_lock guard{mtx_};
    auto& x = paths_[path];
    x.in_hooks += change;
    if (x.in_hooks > 1)
      complain(path + " runs twice at once");
  }

  void complain(std::string what) {
    if (complaints_.size() < 20)
      complaints_.push_back(std::move(what));
  }

  /// Children of this supervisor are started one after another.
  void mark_ordered(const std::string& path) {
    std::unique_lock guard{mtx_};
    ordered_.insert(path);
  }

  /// Somebody has asked for starts, which need not wait for others.
  void mark_asked_for(const std::string& supervisor) {
    std::unique_lock guard{mtx_};
    asked_for_.insert(supervisor);
  }

  [[nodiscard]] std::vector<std::string> complaints() const {
    std::unique_lock guard{mtx_};
    return complaints_;
  }

  /// How many objects there are.
  [[nodiscard]] std::size_t alive() const {
    std::unique_lock guard{mtx_};
    return objects_.size();
  }

  /// Who is not over.
  [[nodiscard]] std::vector<std::string> active() const {
    std::unique_lock guard{mtx_};
    std::vector<std::string> result;
    for (auto& [path, x] : paths_)
      if (!x.active.empty())
        result.push_back(path);
    return result;
  }

  [[nodiscard]] std::uint64_t made() const {
    std::unique_lock guard{mtx_};
    return made_;
  }

private:
  struct object {
    std::string path;
    bool starting;
  };

  struct per_path {
    std::uint64_t lives = 0;
    std::set<id> active;
    int in_hooks = 0;
  };

  mutable std::mutex mtx_;
  std::map<std::string, per_path> paths_;
  std::map<id, object> objects_;
  std::set<std::string> ordered_;
  std::set<std::string> asked_for_;
  std::vector<std::string> complaints_;
  std::uint64_t made_ = 0;
};

/// What a child tends to do: chances in percent, times in milliseconds.
struct habits {
  unsigned fails_to_be_made = 0;
  unsigned fails_to_start = 0;
  unsigned fails = 0;
  unsigned ends = 0;
  unsigned ignores_stops = 0;
  unsigned stops_slowly = 0;
  unsigned cleans_up = 0;
  unsigned fails_to_clean_up = 0;
  unsigned calls = 0;
  std::uint64_t start_time = 0;
  std::uint64_t run_time = 5000;
  std::uint64_t stop_time = 1000;
};

/// What the children of a tree share. Outlives the actor system.
struct tree_scene {
  explicit tree_scene(std::uint64_t number) : seed(number) {
    // nop
  }

  /// The supervisor that has this path, if it is there.
  [[nodiscard]] troupe::supervisor_ref
  find_supervisor(const std::string& path) const {
    auto at = [this] {
      std::unique_lock guard{mtx};
      return root;
    }();
    auto pos = path.find('/', 1);
    while (at && pos != std::string::npos) {
      auto end = path.find('/', pos + 1);
      at = troupe::supervisor_ref{at.child(
        path.substr(pos + 1, end == std::string::npos ? end : end - pos - 1))};
      pos = end;
    }
    return at;
  }

  /// Makes the child that somebody starts at run time.
  std::function<troupe::child_spec(const std::string& supervisor,
                                   const std::string& name, dice&)>
    another;

  const std::uint64_t seed;
  tree_watch watch;
  mutable std::mutex mtx;
  troupe::supervisor_ref root;
};

/// A child that follows its habits.
template <class Base>
class probe_of : public Base {
public:
  probe_of(tree_scene& world, const std::string& path, const habits& how)
    : here_(world.watch, path),
      scene_(world),
      path_(path),
      how_(how),
      dice_(world.seed * 31 + std::hash<std::string>{}(path)
            + here_.life * 7919) {
    // A first start that fails is the end of most trees.
    if (here_.life == 1 && dice_.chance(90))
      how_.fails_to_be_made = how_.fails_to_start = 0;
    if (dice_.chance(how_.fails_to_be_made))
      throw std::runtime_error{path_ + " cannot be made"};
  }

  troupe::task<> on_startup() override {
    hook in{scene_.watch, path_};
    static_cast<void>(co_await this->sleep_for(dice_.time(how_.start_time)));
    if (dice_.chance(how_.calls))
      co_await call_supervisor();
    if (dice_.chance(how_.fails_to_start))
      throw std::runtime_error{path_ + " cannot start"};
    scene_.watch.ready(here_.number);
  }

  troupe::task<> run() override {
    hook in{scene_.watch, path_};
    auto fails = dice_.chance(how_.fails);
    auto ends = fails || dice_.chance(how_.ends);
    auto until = ends ? troupe::deadline_after(this->now(),
                                               dice_.time(how_.run_time))
                      : troupe::never;
    if constexpr (std::is_base_of_v<troupe::queue_consumer<std::int32_t>,
                                    Base>) {
      while (this->is_running() && this->now() < until) {
        auto x = co_await this->get_message(std::chrono::milliseconds{500});
        if (x && *x < 0)
          throw std::runtime_error{path_ + " does not like this message"};
        if (x && *x % 3 == 0)
          static_cast<void>(co_await this->sleep_for(dice_.time(300)));
      }
      while (co_await this->get_message())
        ;
    } else {
      while (this->is_running() && this->now() < until)
        static_cast<void>(co_await this->sleep_until(until));
    }
    if (this->is_running()) {
      if (fails)
        throw std::runtime_error{path_ + " broke"};
      co_return;
    }
    if (dice_.chance(how_.ignores_stops)) {
      for (;;)
        static_cast<void>(co_await this->sleep_for(std::chrono::hours{1}));
    } else if (dice_.chance(how_.stops_slowly)) {
      auto end = troupe::deadline_after(this->now(),
                                        dice_.time(how_.stop_time));
      while (this->now() < end)
        static_cast<void>(co_await this->sleep_until(end));
    }
  }

  troupe::task<> on_shutdown() override {
    hook in{scene_.watch, path_};
    if (dice_.chance(how_.cleans_up))
      static_cast<void>(co_await this->sleep_for(dice_.time(1500)));
    if (dice_.chance(how_.fails_to_clean_up))
      throw std::runtime_error{path_ + " cannot clean up"};
  }

  void after_shutdown(const troupe::outcome&) override {
    scene_.watch.over(here_.number);
  }

private:
  struct presence {
    presence(tree_watch& where, const std::string& path) : watch(where) {
      std::tie(number, life) = watch.enter(path);
    }

    presence(const presence&) = delete;

    presence& operator=(const presence&) = delete;

    ~presence() {
      watch.leave(number);
    }

    tree_watch& watch;
    tree_watch::id number = 0;
    std::uint64_t life = 0;
  };

  struct hook {
    hook(tree_watch& where, std::string whose)
      : watch(where), path(std::move(whose)) {
      watch.in_hook(path, 1);
    }

    hook(const hook&) = delete;

    hook& operator=(const hook&) = delete;

    ~hook() {
      watch.in_hook(path, -1);
    }

    tree_watch& watch;
    std::string path;
  };

  troupe::task<> call_supervisor() {
    auto mine = parent_of(path_);
    auto supervisor = scene_.find_supervisor(mine);
    auto other = "c" + std::to_string(dice_.below(6));
    switch (dice_.below(5)) {
      case 0:
        scene_.watch.mark_asked_for(mine);
        static_cast<void>(
          co_await supervisor.start_child(scene_.another(mine, other, dice_)));
        break;
      case 1:
        static_cast<void>(co_await supervisor.terminate_child(other));
        break;
      case 2:
        scene_.watch.mark_asked_for(mine);
        static_cast<void>(co_await supervisor.restart_child(other));
        break;
      case 3:
        static_cast<void>(co_await supervisor.delete_child(other));
        break;
      case 4:
        static_cast<void>(supervisor.retry_now(other));
        static_cast<void>(supervisor.which_children());
        break;
    }
  }

  presence here_;
  tree_scene& scene_;
  const std::string path_;
  habits how_;
  dice dice_;
};

using probe = probe_of<troupe::worker>;
using queue_probe = probe_of<troupe::queue_consumer<std::int32_t>>;

/// Whether each message is in one place. (Q8)
inline bool adds_up(const troupe::queue_counts& x) {
  return x.sent == x.handled + x.in_progress + x.queued + x.dead_letters();
}

} // namespace support
