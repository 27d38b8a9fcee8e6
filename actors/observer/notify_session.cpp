// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/notify_session.hpp"

#include "observer/words.hpp"
#include "rules/within.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/status_poll.hpp"
#include "worker/stop_report.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

/// When a socket that was full is tried again.
constexpr timespan retry_after = std::chrono::milliseconds{100};

std::optional<std::string> variable(const char* name) {
  const auto* text = std::getenv(name);
  return text != nullptr ? std::optional<std::string>{text} : std::nullopt;
}

template <class T>
std::optional<T> parse_number(const std::string& text) {
  T result{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, result);
  return error == std::errc{} && stop == end ? std::optional{result}
                                             : std::nullopt;
}

/// Whether nobody is above whoever has that path.
std::ptrdiff_t depth_of(std::string_view path) {
  return std::count(path.begin(), path.end(), '/');
}

/// Whether a message is outdated as soon as there is another one of its kind.
bool replaces(std::string_view next, std::string_view previous) {
  const auto key = next.substr(0, next.find('=') + 1);
  return (key == "STATUS=" || key == "WATCHDOG=") && previous.starts_with(key);
}

} // namespace

// -- the environment -------------------------------------------------------------

notify_environment notify_environment::of_process() {
  return {variable("NOTIFY_SOCKET"), variable("WATCHDOG_USEC"),
          variable("WATCHDOG_PID")};
}

watchdog_terms read_watchdog(const notify_environment& from, std::int64_t pid) {
  if (!from.watchdog_usec)
    return {};
  if (from.watchdog_pid) {
    const auto whose = parse_number<std::int64_t>(*from.watchdog_pid);
    if (!whose)
      return {{},
              "WATCHDOG_PID is \"" + *from.watchdog_pid
                + "\", which is not the number of a process; the watchdog is "
                  "not fed"};
    if (*whose != pid)
      return {};
  }
  const auto usec = parse_number<std::uint64_t>(*from.watchdog_usec);
  if (!usec || *usec == 0)
    return {{},
            "WATCHDOG_USEC is \"" + *from.watchdog_usec
              + "\", which is not a number of microseconds; the watchdog is "
                "not fed"};
  return {to_timespan(std::chrono::duration<std::uint64_t, std::micro>{*usec}),
          {}};
}

// -- the probe -------------------------------------------------------------------

bool supervisor_answers(const worker_handle& root, timespan patience) {
  auto* who = access::core_of(root);
  return who != nullptr && answers(core_ptr{*who}, patience);
}

// -- beginning and end -----------------------------------------------------------

notify_session::notify_session(const std::shared_ptr<runtime>& rt,
                               const std::string& address,
                               std::optional<timespan> watchdog,
                               supervisor_probe probe)
  : rt_(rt),
    half_period_(watchdog ? std::optional{*watchdog / 2} : std::nullopt),
    probe_(std::move(probe)),
    socket_(address) {
  // nop
}

void notify_session::begin() {
  std::weak_ptr<notify_session> weak = weak_from_this();
  alarm_ = make_job([weak] {
    if (auto there = weak.lock())
      there->wake();
  });
  watch_ = make_job([weak] {
    if (auto there = weak.lock())
      there->check_soon();
  });
  if (auto rt = rt_.lock())
    rt->events().subscribe(shared_from_this());
}

void notify_session::finish() noexcept {
  leave();
  auto rt = rt_.lock();
  std::unique_lock guard{work_mtx_};
  if (std::exchange(ended_, true) || !rt)
    return;
  try {
    step(*rt);
  } catch (...) {
    rt->log(compat::log_error, "systemd_notifier: the last message was not "
                               "sent: "
                                 + text_of(std::current_exception()));
  }
  rt->time().unschedule(*alarm_);
  rt->time().unschedule(*watch_);
}

// -- what publishers and the clock do ----------------------------------------------

void notify_session::put(const value_ptr& x) noexcept {
  const auto rt = rt_.lock();
  if (!rt)
    return;
  const auto of_root = rt->knows_root(x->path);
  {
    std::unique_lock guard{inbox_mtx_};
    if (std::exchange(changed_, true) && !of_root)
      return; // the status will be looked at anyway
    if (of_root) {
      try {
        of_roots_.push_back(x);
      } catch (const std::bad_alloc&) {
        return; // Nobody can be told of it.
      }
    }
  }
  wake();
}

void notify_session::wake() noexcept {
  {
    std::unique_lock guard{inbox_mtx_};
    if (std::exchange(working_, true)) {
      again_ = true;
      return;
    }
  }
  if (run_on_thread(&notify_session::attend))
    return;
  // The next event tries again.
  std::unique_lock guard{inbox_mtx_};
  working_ = false;
  changed_ = false;
}

bool notify_session::run_on_thread(void (notify_session::*what)()) noexcept {
  const auto rt = rt_.lock();
  if (!rt)
    return false;
  try {
    auto job = [self = shared_from_this(), what] { (*self.*what)(); };
    rt->run_on_thread(std::move(job), threads::at_stop::join);
    return true;
  } catch (...) {
    rt->log(compat::log_error,
            "systemd_notifier: there is no thread to tell systemd anything: "
              + text_of(std::current_exception()));
    return false;
  }
}

// -- what is done on a thread that may block -----------------------------------------

void notify_session::attend() {
  const auto rt = rt_.lock();
  do {
    std::unique_lock guard{work_mtx_};
    if (!rt || ended_)
      return;
    try {
      step(*rt);
    } catch (...) {
      rt->log(compat::log_error,
              "systemd_notifier: " + text_of(std::current_exception()));
    }
  } while (called_again());
}

/// @returns whether there is something new; if not, `wake` needs another
///          thread.
bool notify_session::called_again() {
  std::unique_lock guard{inbox_mtx_};
  if (std::exchange(again_, false))
    return true;
  working_ = false;
  return false;
}

void notify_session::step(runtime& rt) {
  heed_roots(rt.time().now());
  send_status(rt);
  flush(rt);
  if (ended_)
    return;
  begin_watch(rt);
  rt.time().schedule(*alarm_, std::min(rules_.status_due(), retry_at_));
}

void notify_session::heed_roots(time_point now) {
  std::vector<value_ptr> news;
  {
    std::unique_lock guard{inbox_mtx_};
    news.swap(of_roots_);
  }
  // The status says where the root is, whatever was counted meanwhile.
  if (!news.empty())
    rules_.note_change(now);
  for (const auto& x : news) {
    const auto why = x->reason ? text_of(x->reason) : std::string{};
    queue(
      rules_.on_root(x->kind, x->path, observing::bare_reason(why, x->path)));
  }
}

void notify_session::send_status(runtime& rt) {
  const auto now = rt.time().now();
  {
    std::unique_lock guard{inbox_mtx_};
    if (changed_)
      rules_.note_change(now);
    if (rules_.status_due() > now)
      return;
    // Before the count: what changes from here on is news.
    changed_ = false;
  }
  queue(rules_.status(count(rt), now));
}

/// Puts a message into the line of those that are to be sent.
void notify_session::queue(std::string message) {
  if (message.empty())
    return;
  std::erase_if(unsent_, [&message](const std::string& x) {
    return replaces(message, x);
  });
  unsent_.push_back(std::move(message));
}

void notify_session::flush(runtime& rt) {
  retry_at_ = never;
  while (!unsent_.empty()) {
    const auto how = socket_.send(unsent_.front());
    if (how == notify_socket::result::full) {
      retry_at_ = deadline_after(rt.time().now(), retry_after);
      return;
    }
    if (how == notify_socket::result::failed
        && !std::exchange(complained_, true))
      rt.log(compat::log_error,
             "systemd_notifier: \"" + unsent_.front()
               + "\" cannot be sent to NOTIFY_SOCKET: "
               + std::generic_category().message(socket_.error())
               + "; the like is not reported again");
    unsent_.pop_front();
  }
}

worker_census notify_session::count(runtime& rt) const {
  worker_census result;
  const auto stops = rules_.at() == notify_rules::stage::stopping;
  for (const auto& x : rt.cores()) {
    const auto phase = x->phase();
    switch (phase) {
      case worker_phase::starting:
        ++result.starting;
        break;
      case worker_phase::ready:
        ++result.running;
        break;
      case worker_phase::draining:
      case worker_phase::cleaning_up:
        ++result.stopping;
        break;
      case worker_phase::backing_off:
        ++result.backing_off;
        break;
      case worker_phase::abandoned:
        ++result.abandoned;
        break;
      case worker_phase::created:
      case worker_phase::done:
      case worker_phase::nobody:
        break;
    }
    if (stops && is_live(*x) && x->look(&life::stopping_since) != never
        && path_is_within(x->path(), rules_.root())
        && x->path() != rules_.root())
      result.awaited.push_back({x->path(), phase});
  }
  // Those furthest down: the others wait for them.
  using awaited = worker_census::awaited_worker;
  std::sort(result.awaited.begin(), result.awaited.end(),
            [](const awaited& x, const awaited& y) {
              return std::tuple{-depth_of(x.path), std::string_view{x.path}}
                     < std::tuple{-depth_of(y.path), std::string_view{y.path}};
            });
  return result;
}

// -- the watchdog ------------------------------------------------------------------

/// The supervisor is asked from the moment on at which systemd expects it.
void notify_session::begin_watch(runtime& rt) {
  if (watching_ || !half_period_ || !rules_.feeds_watchdog())
    return;
  watching_ = true;
  rt.time().schedule(*watch_, deadline_after(rt.time().now(), *half_period_));
}

void notify_session::check_soon() noexcept {
  if (run_on_thread(&notify_session::check))
    return;
  if (const auto rt = rt_.lock())
    rt->time().schedule(*watch_,
                        deadline_after(rt->time().now(), *half_period_));
}

void notify_session::check() {
  const auto rt = rt_.lock();
  if (!rt)
    return;
  std::unique_lock guard{work_mtx_};
  if (ended_ || !rules_.feeds_watchdog())
    return;
  const auto next = deadline_after(rt->time().now(), *half_period_);
  const auto root = rules_.root();
  guard.unlock();
  const auto well = answers(*rt, root);
  guard.lock();
  if (ended_)
    return;
  if (well) {
    queue("WATCHDOG=1");
    step(*rt);
  } else if (rules_.feeds_watchdog()) {
    rt->log(compat::log_warning,
            "systemd_notifier: the supervisor " + root
              + " does not answer, and so systemd's watchdog is not fed; it "
                "was given "
              + caf::deep_to_string(*half_period_));
  }
  rt->time().schedule(*watch_, next);
}

bool notify_session::answers(runtime& rt, const std::string& root) const {
  try {
    const auto who = rt.find_path(root);
    return who && probe_(who, *half_period_);
  } catch (...) {
    rt.log(compat::log_error, "systemd_notifier: asking " + root + " failed: "
                                + text_of(std::current_exception()));
    return false;
  }
}

} // namespace troupe
