// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "system/runtime.hpp"

#include "base/linked_list.hpp"
#include "base/standard_error.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "system/find_pump.hpp"
#include "system/setting.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/type_id.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace troupe::detail {

namespace {

constexpr const char* registry_key = "troupe.runtime";

/// Ties a runtime to its actor system: the registry holds it, and lets go of it
/// when the system goes down.
class anchor final : public caf::event_based_actor {
public:
  anchor(caf::actor_config& cfg, std::shared_ptr<runtime> what)
    : caf::event_based_actor(cfg), what_(std::move(what)) {
    // nop
  }

  ~anchor() override {
    if (what_)
      what_->shut_down();
  }

  [[nodiscard]] const std::shared_ptr<runtime>& what() const noexcept {
    return what_;
  }

  /// Lets go of the runtime, because another one was faster.
  void dismiss() noexcept {
    what_ = nullptr;
  }

private:
  std::shared_ptr<runtime> what_;
};

anchor* find_anchor(caf::actor_system& sys) {
  auto ptr = sys.registry().get<caf::strong_actor_ptr>(registry_key);
  // The registry keeps it, so the plain pointer stays good.
  return ptr ? dynamic_cast<anchor*>(caf::actor_cast<caf::abstract_actor*>(ptr))
             : nullptr;
}

[[gnu::cold]] void read_period(caf::actor_system& sys, setting what,
                               timespan& result) {
  result = read_setting<timespan>(
    sys, what, result, [](timespan x) { return x >= timespan::zero(); },
    "a duration of zero or more; write it like 10s or 500ms, or in seconds");
}

/// @param otherwise Where complaints go unless a setting says so.
[[gnu::cold]] rules::settings read_settings(caf::actor_system& sys,
                                            std::string otherwise) {
  rules::settings result;
  read_period(sys,
              {"troupe.stopping-grace-period", "TROUPE_STOPPING_GRACE_PERIOD"},
              result.stopping_grace_period);
  read_period(sys, {"troupe.cleanup-period", "TROUPE_CLEANUP_PERIOD"},
              result.cleanup_period);
  read_period(sys, {"troupe.force-period", "TROUPE_FORCE_PERIOD"},
              result.force_period);
  result.offload_threads = static_cast<std::size_t>(read_setting<int64_t>(
    sys, {"troupe.offload-threads", "TROUPE_OFFLOAD_THREADS"},
    static_cast<int64_t>(
      rules::default_offload_threads(std::thread::hardware_concurrency())),
    [](int64_t x) { return x > 0; },
    "a whole number of one or more; write it like 8"));
  const auto where = read_setting<std::string>(
    sys, {"troupe.complain", "TROUPE_COMPLAIN"}, std::move(otherwise),
    [](const std::string& x) { return x == "stderr" || x == "none"; },
    "stderr or none");
  result.complains = where == "stderr";
  return result;
}

/// The highest level of which the system's log wants lines: that never changes.
unsigned highest_level(caf::actor_system& sys) {
  for (auto level : {compat::log_info, compat::log_warning, compat::log_error})
    if (compat::logs(sys, level))
      return level;
  return 0;
}

} // namespace

std::shared_ptr<runtime> runtime::of(caf::actor_system& sys) {
  if (auto* found = find_anchor(sys)) {
    if (found->what()->forked())
      throw std::logic_error(text_after_fork("the actor system"));
    return found->what();
  }
  // CAF would crash at the first message that holds one of them.
  if (caf::query_type_name(caf::type_id_v<worker_status>).empty())
    throw std::logic_error("CAF does not know the types of troupe's messages: "
                           "write CAF_MAIN(caf::id_block::troupe), or call "
                           "caf::init_global_meta_objects<caf::id_block::"
                           "troupe>() before the actor system is made");
  auto mine = std::make_shared<runtime>(sys);
  auto hdl = sys.spawn<anchor, caf::hidden + caf::lazy_init>(mine);
  sys.registry().put(registry_key, caf::actor_cast<caf::strong_actor_ptr>(hdl));
  auto* winner = find_anchor(sys);
  if (winner == nullptr)
    throw std::logic_error("the actor system has another actor registered as "
                           "\"troupe.runtime\"; choose another name for it");
  if (winner->what() != mine)
    static_cast<anchor*>(caf::actor_cast<caf::abstract_actor*>(hdl))->dismiss();
  else if (auto serv = sys.registry().get<caf::strong_actor_ptr>("SpawnServ"))
    // Goes first when the system goes down and waits for nobody any more.
    caf::actor_cast<caf::abstract_actor*>(serv)->attach_functor(
      [weak = std::weak_ptr<runtime>{mine}] {
        if (auto ptr = weak.lock())
          ptr->close();
      });
  return winner->what();
}

[[gnu::cold]] runtime::runtime(caf::actor_system& sys)
  : system_(&sys),
    pump_(testing::find_pump(sys)),
    // A test makes workers fail on purpose.
    settings_(read_settings(sys, pump_ ? "none" : "stderr")),
    shown_(highest_level(sys)),
    log_level_(shown_),
    pool_(settings_.offload_threads, threads_, pump_) {
  if (pump_) {
    clock_ = &pump_->clock();
  } else {
    if (is_only_thread())
      throw std::logic_error(text_after_fork("the actor system"));
    own_clock_ = std::make_unique<real_clock>();
    clock_ = own_clock_.get();
  }
}

[[gnu::cold]] runtime::~runtime() = default;

bool runtime::gone() const noexcept {
  // From then on nothing can be started, and nothing that runs is left.
  return closed_.load(std::memory_order_acquire);
}

// -- the actor system ----------------------------------------------------------

bool runtime::count_worker() {
  std::unique_lock guard{mtx_};
  if (gone())
    return false;
  system_->registry().inc_running();
  return true;
}

void runtime::uncount_worker() {
  std::unique_lock guard{mtx_};
  if (!gone_)
    system_->registry().dec_running();
}

void runtime::log(unsigned level, const std::string& text) noexcept {
  std::unique_lock guard{mtx_};
  if (!gone_ && compat::logs(*system_, level))
    compat::log(*system_, level, rules::printable(text));
}

void runtime::complain(unsigned level, const std::string& text) noexcept {
  if (complains(level))
    say_if_there_is_room("troupe: " + rules::printable(text) + '\n');
  else
    log(level, text);
}

// -- metrics -------------------------------------------------------------------

bool runtime::set_meter(std::shared_ptr<meter> x) {
  std::unique_lock guard{mtx_};
  if (own_meter_ || gone_)
    return false;
  own_meter_ = std::move(x);
  meter_.store(own_meter_.get(), std::memory_order_release);
  return true;
}

void runtime::count_dead_letters(dead_letter_reason why,
                                 std::uint64_t n) noexcept {
  if (get_meter() == nullptr)
    return;
  // Its counters go with the system.
  std::unique_lock guard{mtx_};
  if (!gone_)
    own_meter_->buried(why, n);
}

// -- threads -------------------------------------------------------------------

void runtime::run_on_thread(unique_function<void()> f, threads::at_stop mode) {
  if (!pump_) {
    threads_.run(std::move(f), mode);
    return;
  }
  // In virtual time, what runs elsewhere counts as running.
  pump_->external_begin();
  try {
    threads_.run(
      [pump = pump_, f = std::move(f)]() mutable {
        testing::pump::external_thread mark{pump};
        f();
        f = nullptr;
      },
      mode);
  } catch (...) {
    pump_->external_end();
    throw;
  }
}

void runtime::offload(std::unique_ptr<thread_job> x, thread_use how) {
  if (how == thread_use::pooled)
    pool_.run(std::move(x));
  else
    run_on_thread([x = std::move(x)] { x->run(); }, threads::at_stop::leave);
}

bool runtime::would_block() const noexcept {
  return clock_->fires_here() || (pump_ && pump_->inside());
}

void runtime::destroy_elsewhere(worker_core* x) noexcept {
  try {
    run_on_thread([x] { delete x; }, threads::at_stop::join);
  } catch (...) {
    delete x;
  }
}

bool runtime::block_until(const std::function<bool()>& done, time_point limit,
                          const std::function<void()>& wait,
                          const std::function<std::string()>& what) {
  if (pump_)
    return pump_->wait_for(done, limit, what);
  while (!done()) {
    if (limit != never && clock_->now() >= limit)
      return false;
    wait();
  }
  return true;
}

void runtime::notify() noexcept {
  if (pump_)
    pump_->notify();
}

// -- cores ---------------------------------------------------------------------

void runtime::add(worker_core& x) {
  std::unique_lock guard{mtx_};
  link_first(x, first_, &worker_core::next_, &worker_core::previous_);
}

void runtime::remove(worker_core& x) noexcept {
  std::unique_lock guard{mtx_};
  unlink(x, first_, &worker_core::next_, &worker_core::previous_);
  if (x.owner() != nullptr || roots_.empty())
    return;
  auto [first, last] = roots_.equal_range(x.path());
  auto mine = std::find_if(first, last,
                           [&x](const auto& y) { return y.second == &x; });
  if (mine != last)
    roots_.erase(mine);
}

void runtime::add_root(worker_core& x) {
  std::unique_lock guard{mtx_};
  roots_.emplace(x.path(), &x);
}

bool runtime::claim_path(const worker_core& x) {
  std::unique_lock guard{mtx_};
  return claims_.emplace(x.path(), &x).second;
}

void runtime::release_path(const worker_core& x) noexcept {
  std::unique_lock guard{mtx_};
  claims_.erase(x.path());
}

bool runtime::knows_root(std::string_view path) const {
  // Most are not, which takes no lock to see.
  if (path.find('/', 1) != std::string_view::npos)
    return false;
  std::unique_lock guard{mtx_};
  return roots_.find(path) != roots_.end();
}

std::shared_ptr<const run_config> runtime::share(const run_config& x) {
  std::unique_lock guard{config_mtx_};
  for (const auto& known : config_)
    if (known && *known == x)
      return known;
  auto& place = config_[next_config_++ % config_.size()];
  place = std::make_shared<const run_config>(x);
  return place;
}

std::vector<core_ptr> runtime::cores() {
  std::vector<core_ptr> result;
  std::unique_lock guard{mtx_};
  for (auto* i = first_; i != nullptr; i = i->next_)
    if (i->try_retain())
      result.push_back(core_ptr::adopt(*i));
  return result;
}

std::vector<core_ptr> runtime::top_cores() {
  auto result = cores();
  std::erase_if(result, [](const core_ptr& x) { return !x->is_top(); });
  std::reverse(result.begin(), result.end());
  return result;
}

// -- those who look at workers -------------------------------------------------

void runtime::add_poller(const worker_core& who,
                         std::shared_ptr<status_poll> poller) {
  std::unique_lock guard{pollers_mtx_};
  pollers_.emplace(&who, std::move(poller));
}

std::vector<std::shared_ptr<status_poll>>
runtime::take_pollers(const worker_core& who) {
  std::vector<std::shared_ptr<status_poll>> result;
  std::unique_lock guard{pollers_mtx_};
  auto [first, last] = pollers_.equal_range(&who);
  for (auto i = first; i != last; ++i)
    result.push_back(std::move(i->second));
  pollers_.erase(first, last);
  return result;
}

void runtime::forget_poller(
  const std::shared_ptr<status_poll>& poller) noexcept {
  std::unique_lock guard{pollers_mtx_};
  std::erase_if(pollers_, [&](const auto& x) { return x.second == poller; });
}

// -- paths ---------------------------------------------------------------------

worker_handle runtime::find_root(std::string_view path) {
  std::vector<core_ptr> all; // goes without the lock
  {
    std::unique_lock guard{mtx_};
    auto [first, last] = roots_.equal_range(path);
    for (auto i = first; i != last; ++i)
      if (i->second->try_retain())
        all.push_back(core_ptr::adopt(*i->second));
  }
  // One that has ended is as good as gone, even if somebody holds a handle to
  // it.
  std::erase_if(all,
                [](const core_ptr& x) { return rules::is_final(x->stage()); });
  if (all.empty())
    return {};
  auto was_started = [](const core_ptr& x) {
    return x->stage() != rules::stage::created;
  };
  auto found = std::find_if(all.begin(), all.end(), was_started);
  auto& chosen = found != all.end() ? *found : all.back();
  chosen->add_handle();
  return access::make<worker_handle>(chosen.get());
}

worker_handle runtime::find_path(std::string_view path) {
  if (!path.starts_with('/'))
    return {};
  auto end = path.find('/', 1);
  auto result = find_root(path.substr(0, end));
  while (result && end != std::string_view::npos) {
    const auto begin = end + 1;
    end = path.find('/', begin);
    auto children = family{*access::core_of(result)}.group();
    result = children ? children->find_child(path.substr(begin, end - begin))
                      : worker_handle{};
  }
  return result;
}

void runtime::close() noexcept {
  {
    std::unique_lock guard{mtx_};
    if (closed_.exchange(true, std::memory_order_acq_rel))
      return;
  }
  for (auto& x : cores())
    x->system_closes();
}

[[gnu::cold]] void runtime::shut_down() noexcept {
  close();
  meter_.store(nullptr, std::memory_order_release);
  if (own_clock_)
    static_cast<real_clock&>(*own_clock_).stop();
  pool_.stop();
  threads_.stop();
  for (auto& x : cores())
    x->system_gone();
  events_.close();
  dead_letters_.close();
  {
    std::unique_lock guard{config_mtx_};
    config_ = {}; // They hold this.
  }
  std::unique_lock guard{mtx_};
  if (auto counting = own_meter_) {
    guard.unlock();
    counting->end();
    guard.lock();
  }
  gone_ = true;
  log_level_.store(0, std::memory_order_relaxed);
}

} // namespace troupe::detail
