// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/scripted.hpp"
#include "troupe/time.hpp"
#include "troupe/worker.hpp"

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace support {

using namespace std::chrono_literals;

/// A child that writes down what happens to it, under its name.
class part : public troupe::worker {
public:
  using body = std::function<troupe::task<>(part&)>;

  explicit part(journal& log, body run = {}, body on_startup = {})
    : log_(log), run_(std::move(run)), on_startup_(std::move(on_startup)) {
    // nop
  }

  ~part() override {
    note("-"); // destroyed
  }

  void note(const std::string& what) {
    log_.note(what + name());
  }

  troupe::task<> on_startup() override {
    note("+");
    if (on_startup_)
      co_await on_startup_(*this);
  }

  troupe::task<> run() override {
    if (run_)
      co_await run_(*this);
    else
      co_await stop_requested();
  }

  void after_shutdown(const troupe::outcome& how) override {
    note(how.ok() ? "." : "!");
  }

  using worker::ask;
  using worker::mark_healthy;
  using worker::sleep_for;
  using worker::stop_requested;

private:
  journal& log_;
  body run_;
  body on_startup_;
};

/// A body that fails after that time.
inline part::body failing_after(troupe::timespan time) {
  return [time](part& self) -> troupe::task<> {
    if (co_await self.sleep_for(time); self.is_running())
      throw std::runtime_error{self.name() + " broke"};
  };
}

/// A body that does not stop by itself.
inline troupe::task<> unstoppable(part& self) {
  for (;;)
    static_cast<void>(co_await self.sleep_for(1h));
}

/// Without the lines that tell of destroyed objects.
inline lines without_destructions(const journal& log) {
  auto result = log.lines();
  std::erase_if(result, [](const std::string& x) { return x[0] == '-'; });
  return result;
}

} // namespace support
