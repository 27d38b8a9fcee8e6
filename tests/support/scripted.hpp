// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/error.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Workers that do what a test tells them to.
namespace support {

using lines = std::vector<std::string>;

/// What happened, in order. Any thread may write.
class journal {
public:
  void note(std::string what) {
    std::unique_lock guard{mtx_};
    lines_.push_back(std::move(what));
  }

  [[nodiscard]] support::lines lines() const {
    std::unique_lock guard{mtx_};
    return lines_;
  }

  [[nodiscard]] std::size_t count(std::string_view what) const {
    auto all = lines();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
  }

  [[nodiscard]] bool has(std::string_view what) const {
    return count(what) != 0;
  }

private:
  mutable std::mutex mtx_;
  support::lines lines_;
};

/// Notes down that it is gone, as a local variable of a coroutine does when the
/// coroutine is destroyed.
class [[nodiscard]] farewell {
public:
  farewell(journal& log, std::string what) : log_(log), what_(std::move(what)) {
    // nop
  }

  farewell(const farewell&) = delete;

  farewell& operator=(const farewell&) = delete;

  ~farewell() {
    log_.note(what_);
  }

private:
  journal& log_;
  std::string what_;
};

class scripted;

/// What a scripted worker does in its hooks; what is empty is left as it is,
/// and an empty `run` waits for a stop.
struct script {
  using body = std::function<troupe::task<>(scripted&)>;

  body on_startup = {};
  body run = {};
  body on_shutdown = {};
  std::function<void(scripted&, const troupe::outcome&)> after_shutdown = {};
  std::function<troupe::message_handlers(scripted&)> handlers = {};
};

/// A worker that follows a script, notes down which of its hooks are called,
/// and lets everybody use what a worker may use.
class scripted : public troupe::worker {
public:
  scripted(journal& log, script what) : log_(log), script_(std::move(what)) {
    // nop
  }

  ~scripted() override {
    log_.note("destroyed");
  }

  using worker::ask;
  using worker::fail;
  using worker::finish;
  using worker::hold;
  using worker::now;
  using worker::offload;
  using worker::ready;
  using worker::self;
  using worker::sleep_for;
  using worker::sleep_until;
  using worker::start;
  using worker::stop_requested;
  using worker::when_all;
  using worker::when_any;
  using worker::yield;

  journal& log() noexcept {
    return log_;
  }

  troupe::task<> on_startup() override {
    log_.note("on_startup");
    return script_.on_startup ? script_.on_startup(*this)
                              : worker::on_startup();
  }

  troupe::task<> run() override {
    log_.note("run");
    return script_.run ? script_.run(*this) : until_stopped();
  }

  troupe::task<> on_shutdown() override {
    log_.note("on_shutdown");
    return script_.on_shutdown ? script_.on_shutdown(*this)
                               : worker::on_shutdown();
  }

  void after_shutdown(const troupe::outcome& how) override {
    log_.note("after_shutdown");
    if (script_.after_shutdown)
      script_.after_shutdown(*this, how);
  }

  troupe::message_handlers handlers() override {
    return script_.handlers ? script_.handlers(*this)
                            : troupe::message_handlers{};
  }

private:
  troupe::task<> until_stopped() {
    co_await stop_requested();
  }

  journal& log_;
  script script_;
};

using scripted_ref = troupe::worker_ref<scripted>;

/// Spawns a scripted worker. `log` must outlive the actor system.
template <class System>
scripted_ref
spawn(System& sys, journal& log, troupe::worker_options options, script what) {
  return troupe::spawn<scripted>(static_cast<caf::actor_system&>(sys),
                                 std::move(options), log, std::move(what));
}

/// A body that ignores that it is asked to stop.
inline script::body stubborn() {
  return [](scripted& self) -> troupe::task<> {
    farewell last{self.log(), "frame destroyed"};
    for (;;)
      static_cast<void>(co_await self.sleep_for(std::chrono::hours{1}));
  };
}

/// A body that sleeps that long, whatever happens.
inline script::body sleeping(troupe::timespan length) {
  return [length](scripted& self) -> troupe::task<> {
    auto until = troupe::deadline_after(self.now(), length);
    while (self.now() < until)
      static_cast<void>(co_await self.sleep_until(until));
  };
}

/// A body that throws `what` at once.
template <class T>
script::body throwing(T what) {
  return [what](scripted&) -> troupe::task<> {
    throw what;
    co_return;
  };
}

} // namespace support
