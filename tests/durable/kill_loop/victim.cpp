// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/kill_loop/victim.hpp"

#include "durable/payloads.hpp"
#include "support/real_system.hpp"

#include "troupe/blocking_worker.hpp"
#include "troupe/durable.hpp"
#include "troupe/run.hpp"

#include <csignal>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

using namespace std::chrono_literals;
using namespace troupe::durable;

namespace kill_loop {

namespace {

using troupe::task;

/// A file to which processes add lines; each line is one call, so they do not
/// mix.
class line_file {
public:
  explicit line_file(const std::string& path)
    : file_(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0)
      throw std::runtime_error{"cannot open " + path};
  }

  line_file(const line_file&) = delete;

  line_file& operator=(const line_file&) = delete;

  ~line_file() {
    ::close(file_);
  }

  void add(std::string line) const {
    line += '\n';
    if (::write(file_, line.data(), line.size())
        != static_cast<ssize_t>(line.size()))
      throw std::runtime_error{"cannot write a line"};
  }

private:
  int file_;
};

/// Puts jobs as long as there are not too many.
class producer : public troupe::blocking_worker {
public:
  producer(queue<letter> mail, const std::string& puts)
    : mail_(std::move(mail)), puts_(puts) {
    // nop
  }

  void run(std::stop_token stop) override {
    while (!stop.stop_requested()) {
      const auto now = mail_.count();
      if (now && now->waiting > 500) {
        static_cast<void>(sleep_for(stop, 20ms));
        continue;
      }
      for (int i = 0; i < 10 && !stop.stop_requested(); ++i)
        if (const auto put = mail_.put({.to = "x"}, {.within = 60s}))
          puts_.add(std::to_string(put->id));
    }
  }

private:
  queue<letter> mail_;
  line_file puts_;
};

/// Ends the process when no jobs are left.
class finisher : public troupe::blocking_worker {
public:
  explicit finisher(queue<letter> mail) : mail_(std::move(mail)) {
    // nop
  }

  void run(std::stop_token stop) override {
    while (!stop.stop_requested()) {
      const auto now = mail_.count();
      const auto over = now && now->waiting + now->running == 0;
      if (over)
        ::kill(::getpid(), SIGTERM); // a second one would force the stop
      static_cast<void>(sleep_for(stop, over ? 24h : troupe::timespan{20ms}));
    }
  }

private:
  queue<letter> mail_;
};

class consumer : public worker<letter> {
public:
  consumer(queue<letter> mail, const std::string& effects, std::uint64_t seed)
    : worker(std::move(mail), {.concurrency = 4,
                               .lease = 500ms,
                               .max_failures = 1'000'000,
                               .max_crashes = 1'000'000,
                               .backoff = {.initial = 1ms, .max = 50ms}}),
      effects_(effects),
      dice_(seed) {
    // nop
  }

  task<> handle(const letter&, job& what) override {
    const auto dice = dice_() % 100;
    if (dice < 5) // some take long enough to be in hand when it comes
      static_cast<void>(
        co_await sleep_for(std::chrono::milliseconds{dice * 5}));
    if (dice == 99)
      throw std::runtime_error{"a failure"};
    effects_.add(std::to_string(what.id()) + " "
                 + std::to_string(what.claim_number()));
  }

private:
  line_file effects_;
  std::mt19937_64 dice_;
};

} // namespace

int be_victim(const files& where, std::uint64_t seed, bool puts) {
  const payload_types types;
  support::real_system sys{2};
  // A server is killed too, so what is in it has to be on its disk.
  const auto how = where.database.starts_with("postgresql:")
                     ? durability::power_loss
                     : durability::process;
  auto jobs = open(sys, where.database, {.durability = how});
  const auto mail = jobs.queue<letter>("mail");
  troupe::supervisor_spec tree{.name = "post"};
  if (puts)
    tree.add<producer>("producer", mail, where.puts);
  else
    tree.add<finisher>("finisher", mail);
  tree.add<consumer>("consumer", mail, where.effects, seed);
  return troupe::run(sys, std::move(tree));
}

} // namespace kill_loop
