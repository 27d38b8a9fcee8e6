// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/watch.hpp"

#include "stress/parcel.hpp"
#include "stress/resources.hpp"

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <utility>

#include <unistd.h>

// A sanitizer calls it before it ends the process; null without one.
extern "C" void __sanitizer_set_death_callback(void (*f)())
  __attribute__((weak));

namespace stress {

namespace {

watch* the_watch = nullptr;

std::vector<std::shared_ptr<journal>>* the_journals = nullptr;

void print_journals() {
  if (the_journals == nullptr)
    return;
  std::fputs("last operations of each thread:\n", stderr);
  for (auto& x : *the_journals)
    x->print(stderr);
  std::fflush(stderr);
}

std::string* the_round = nullptr;

void print_all() {
  if (the_round != nullptr)
    std::fprintf(stderr, "%s\n", the_round->c_str());
  print_journals();
}

extern "C" void print_at_crash(int number) {
  std::fprintf(stderr, "violated: the program does not crash; signal %d\n",
               number);
  print_all();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

} // namespace

watch::watch(std::uint64_t seed, std::chrono::seconds patience)
  : seed_(seed), patience_(patience) {
  the_watch = this;
  the_journals = &journals_;
  the_round = &round_;
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(print_all);
  } else {
    for (auto number : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE})
      std::signal(number, print_at_crash);
  }
  monitor_ = std::jthread{[this](const std::stop_token& stop) {
    std::mutex mtx;
    std::condition_variable_any stopped;
    std::unique_lock guard{mtx};
    while (!stop.stop_requested()) {
      stopped.wait_for(guard, stop, std::chrono::milliseconds{100},
                       [] { return false; });
      look_after_calls();
    }
  }};
}

watch::~watch() {
  monitor_ = {};
  the_journals = nullptr;
  the_round = nullptr;
  the_watch = nullptr;
}

void watch::violated(std::string_view invariant, const std::string& path,
                     const std::string& details) {
  static std::mutex once;
  once.lock(); // for good: the first one ends the process
  std::fprintf(stderr, "violated: %.*s\n  seed: %llu\n  path: %s\n  %s\n",
               static_cast<int>(invariant.size()), invariant.data(),
               static_cast<unsigned long long>(seed_), path.c_str(),
               details.c_str());
  print_all();
  std::fflush(nullptr);
  _exit(1);
}

// -- rounds --------------------------------------------------------------------

void watch::begin_round(const char* scenario, std::uint64_t number,
                        std::uint64_t seed) {
  std::unique_lock guard{mtx_};
  journals_.clear();
  running_.clear();
  stuck_.clear();
  round_ = "round " + std::to_string(number) + ", scenario " + scenario
           + ", its seed " + std::to_string(seed);
  threads_before_ = count_threads();
}

void watch::end_round() {
  using namespace std::chrono_literals;
  // A thread is still there for a moment after it has been joined.
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (count_threads() > threads_before_
         && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(1ms);
  if (auto now = count_threads(); now > threads_before_)
    violated("no thread is left", "-",
             std::to_string(now - threads_before_)
               + " more threads than before the actor system");
  if (auto n = parcel::alive(); n != 0)
    violated("no message is left", "-",
             std::to_string(n) + " messages outlive their actor system");
  std::unique_lock guard{mtx_};
  for (auto& [path, n] : running_)
    if (n != 0) {
      auto who = path;
      guard.unlock();
      violated("no coroutine is left", who, "it outlives its actor system");
    }
}

std::shared_ptr<journal> watch::enlist(std::string owner) {
  auto result = std::make_shared<journal>(std::move(owner));
  std::unique_lock guard{mtx_};
  journals_.push_back(result);
  return result;
}

void watch::look_after_calls() {
  std::vector<std::shared_ptr<journal>> all;
  {
    std::unique_lock guard{mtx_};
    all = journals_;
  }
  for (auto& x : all) {
    auto since = x->busy_since();
    if (since != journal::time_point::max()
        && std::chrono::steady_clock::now() - since > patience_)
      violated("each waiter is released", "-",
               "a call has not returned for "
                 + std::to_string(patience_.count()) + " s");
  }
}

// -- messages ------------------------------------------------------------------

void watch::adds_up(const std::string& path, const troupe::queue_counts& x) {
  if (x.sent
      != x.handled + x.in_progress + x.queued + x.handed_over
           + x.dead_letters())
    violated("each message is in one place (Q8)", path,
             "sent " + std::to_string(x.sent) + ": " + to_string(x));
}

void watch::is_settled(const std::string& path, const troupe::queue_counts& x) {
  adds_up(path, x);
  if (x.queued != 0 || x.in_progress != 0)
    violated("nothing is queued after the final end (Q8)", path, to_string(x));
}

void watch::is_over(const troupe::worker_handle& x) {
  if (!x)
    return;
  auto how = x.wait_for_shutdown(patience_ / 2);
  if (!how && how.error() == troupe::errc::timed_out)
    violated("each waiter is released", x.path(),
             "it has not ended, and nothing keeps it: "
               + to_string(x.status_tree()));
  if (how)
    is_settled(x.path(), x.queue());
}

// -- lives ---------------------------------------------------------------------

bool watch::may_be_stuck(const std::string& path) const {
  return stuck_.count(path) != 0;
}

void watch::enter(const std::string& path, bool first) {
  std::string found;
  {
    std::unique_lock guard{mtx_};
    if (++running_[path] > 1 && !may_be_stuck(path))
      found = path;
    // Those that it has started itself belong to the life before.
    if (first && found.empty()) {
      const auto below = path + "/";
      for (auto i = running_.lower_bound(below);
           i != running_.end() && i->first.starts_with(below); ++i)
        if (i->second != 0 && !may_be_stuck(i->first))
          found = i->first;
    }
  }
  if (!found.empty())
    violated("one life at a time (L29, S10)", path,
             "a life begins while that of " + found + " goes on");
}

void watch::leave(const std::string& path) {
  std::unique_lock guard{mtx_};
  --running_[path];
}

void watch::allow_stuck(const std::string& path) {
  std::unique_lock guard{mtx_};
  stuck_.insert(path);
}

void watch::see(const troupe::lifecycle_event& x) {
  using enum troupe::event_kind;
  if (x.kind != abandoned && x.kind != stalled)
    return;
  {
    std::unique_lock guard{mtx_};
    if (may_be_stuck(x.path))
      return;
  }
  violated("no life is abandoned whose code returns (L17)", x.path,
           to_string(x));
}

} // namespace stress
