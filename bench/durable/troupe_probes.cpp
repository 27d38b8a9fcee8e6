// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/place.hpp"
#include "probes/probes.hpp"

#include "troupe/durable.hpp"
#include "troupe/spawn.hpp"

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <latch>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using namespace std::chrono_literals;

using queue = durable::queue<std::uint64_t>;

/// A worker that calls a function for each job.
class handler : public durable::worker<std::uint64_t> {
public:
  /// @param length How long it keeps a job after that.
  handler(queue source, const durable::options& how, std::function<void()> f,
          timespan length)
    : worker(std::move(source), how), call_(std::move(f)), length_(length) {
    // nop
  }

  task<> handle(const std::uint64_t&, durable::job&) override {
    call_();
    if (length_ > timespan::zero())
      co_await sleep_for(length_);
  }

private:
  std::function<void()> call_;
  timespan length_;
};

/// An actor system with a store.
struct office {
  explicit office(const std::string& where,
                  durable::durability how = durable::durability::power_loss)
    : store(durable::open(sys, where, {.durability = how})) {
    // nop
  }

  queue jobs() const {
    return store.queue<std::uint64_t>("bench");
  }

  worker_ref<handler> hire(const durable::options& how, std::function<void()> f,
                           timespan length = timespan::zero()) {
    auto result = spawn<handler>(sys, {.name = "handler"}, jobs(), how,
                                 std::move(f), length);
    if (auto err = result.startup())
      throw std::runtime_error{to_string(err)};
    return result;
  }

  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  durable::store store;
};

void put_one(const queue& where) {
  if (auto written = where.put(17); !written)
    throw std::runtime_error{to_string(written.error())};
}

/// Puts at least so many jobs, faster than it takes to have each one safe by
/// itself.
/// @returns how many.
std::size_t fill(const std::string& where, std::size_t size) {
  constexpr std::size_t threads = 50;
  const auto each = (size + threads - 1) / threads;
  const office all{where, durable::durability::process};
  rate_of_threads(threads, each,
                  [&all] { return [to = all.jobs()] { put_one(to); }; });
  return threads * each;
}

figures handle_all(const std::string& where, std::size_t size) {
  office all{where};
  std::latch done{static_cast<std::ptrdiff_t>(size)};
  const auto start = stopwatch::now();
  auto worker = all.hire({.concurrency = in_hand_of_probe()},
                         [&done] { done.count_down(); });
  done.wait();
  worker.shutdown(); // the ends are in the store
  const auto took = nanos_since(start) / 1e9;
  return {{"rate", static_cast<double>(size) / took}};
}

/// So many jobs that wait for tomorrow.
void fill_tomorrow(const std::string& where, std::size_t size) {
  {
    const office makes_the_tables{where};
  }
  SQLite::Database db{where, SQLite::OPEN_READWRITE, 60'000};
  db.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
          "WHERE i < "
          + std::to_string(size)
          + ") INSERT INTO troupe_job(queue, type, payload, run_at, put_at) "
            "SELECT 'bench', 'uint64_t', '17', "
            "(unixepoch() + 86400) * 1000000, unixepoch() * 1000000 FROM n");
}

/// A process that gets a job and keeps it for ever.
class victim {
public:
  victim(const std::string& where, const durable::options& how) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0)
      throw std::runtime_error{"no pipe"};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      office mine{where};
      auto worker = mine.hire(
        how,
        [&ends] { [[maybe_unused]] const auto n = ::write(ends[1], "!", 1); },
        24h);
      std::this_thread::sleep_for(24h);
    }
    ::close(ends[1]);
    begun_ = ends[0];
  }

  victim(const victim&) = delete;

  victim& operator=(const victim&) = delete;

  ~victim() {
    ::close(begun_);
    ::waitpid(pid_, nullptr, 0);
  }

  void await_begin() const {
    char one = 0;
    if (::read(begun_, &one, 1) != 1)
      throw std::runtime_error{"the process that was to be killed has gone"};
  }

  void kill() const {
    ::kill(pid_, SIGKILL);
  }

private:
  pid_t pid_ = 0;
  int begun_ = -1;
};

} // namespace

figures troupe_jobs(std::size_t size) {
  const auto where = empty_store_of_probe();
  return handle_all(where, fill(where, size));
}

figures troupe_jobs_today(std::size_t size) {
  const auto where = empty_store_of_probe();
  fill_tomorrow(where, 50 * size);
  return handle_all(where, fill(where, size));
}

figures troupe_puts(std::size_t size) {
  const office all{empty_store_of_probe()};
  const auto to = all.jobs();
  const auto one = median_time(size, [&to] { put_one(to); });
  const auto rate = rate_of_threads(8, size,
                                    [&to] { return [&to] { put_one(to); }; });
  return {{"put", one}, {"rate", rate}};
}

figures troupe_begun(std::size_t size) {
  office all{empty_store_of_probe()};
  const auto to = all.jobs();
  std::vector<double> times;
  std::binary_semaphore begun{0};
  stopwatch::time_point start;
  auto worker = all.hire({}, [&] {
    times.push_back(nanos_since(start));
    begun.release();
  });
  for (std::size_t i = 0; i < size; ++i) {
    start = stopwatch::now();
    put_one(to);
    begun.acquire();
  }
  worker.shutdown();
  return {{"begun", median(std::move(times))}};
}

figures troupe_takeover(std::size_t size) {
  const durable::options how{.lease = 2s, .max_crashes = 1'000'000};
  std::vector<double> times;
  for (std::size_t i = 0; i < size; ++i) {
    const auto where = empty_store_of_probe();
    const victim other{where, how};
    office all{where};
    put_one(all.jobs());
    other.await_begin();
    std::binary_semaphore begun{0};
    auto worker = all.hire(how, [&begun] { begun.release(); });
    const auto start = stopwatch::now();
    other.kill();
    begun.acquire();
    times.push_back(nanos_since(start));
    worker.shutdown();
  }
  return {{"takeover", median(std::move(times))}};
}

figures troupe_idle_store(std::size_t size) {
  office all{empty_store_of_probe()};
  std::vector<worker_ref<handler>> idle;
  idle.reserve(size);
  for (std::size_t i = 0; i < size; ++i)
    idle.push_back(all.hire({}, [] {}));
  const auto used = cpu_seconds();
  std::this_thread::sleep_for(5s);
  const auto result = cpu_seconds() - used;
  for (auto& x : idle)
    x.shutdown();
  return {{"idle_cpu_seconds", result}};
}

} // namespace troupe::bench
