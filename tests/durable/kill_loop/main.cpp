// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Real processes that put and handle jobs in one store, and are killed,
// stopped, and frozen by chance, as is the server of PostgreSQL's. At the end
// the rows J1 to J8 and J17 must hold:
//
//   durable_kill_loop [--engine sqlite|postgres] [--seconds N] [--victims N]
//                     [--seed N]
//
// - Each job whose `put` has returned was handled.
// - No claim was handled twice. A job is handled again only by another claim.
// - A process that was asked to stop ended with 0, and used up no tries.
// - The account holds whenever it is looked at, and all of it is done at last.

#include "durable/kill_loop/database.hpp"
#include "durable/kill_loop/victim.hpp"
#include "durable/open_engine.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using namespace troupe::durable;

namespace {

using steady = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error{what};
}

/// A process of this program in its other role.
class victim {
public:
  victim(const std::string& folder, const std::string& where,
         std::uint64_t seed, bool puts) {
    auto number = std::to_string(seed);
    pid_ = ::fork();
    if (pid_ < 0)
      fail("cannot fork");
    if (pid_ == 0) {
      ::execl("/proc/self/exe", "victim", "--victim", folder.c_str(),
              where.c_str(), number.c_str(), puts ? "puts" : "handles",
              static_cast<char*>(nullptr));
      ::_exit(126);
    }
  }

  victim(victim&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {
    // nop
  }

  victim& operator=(victim&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }

  ~victim() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }

  void signal(int number) const {
    ::kill(pid_, number);
  }

  /// Waits for its end, for some minutes at most.
  void wait_or_fail() const {
    const auto file = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    pollfd end{file, POLLIN, 0};
    const auto n = ::poll(&end, 1, 180'000);
    ::close(file);
    if (n != 1)
      fail("it is not over after three minutes");
  }

  /// Waits for its end.
  /// @returns how it ended, as a shell says it.
  int wait() {
    int status = 0;
    if (::waitpid(std::exchange(pid_, 0), &status, 0) < 0)
      fail("cannot wait for a process");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

private:
  pid_t pid_ = 0;
};

class loop {
public:
  loop(std::string folder, kill_loop::database& where, std::uint64_t seed,
       std::size_t victims)
    : folder_(std::move(folder)),
      where_(where),
      files_(folder_, where.url(folder_)),
      dice_(seed) {
    for (std::size_t i = 0; i < victims; ++i)
      victims_.push_back(another(true));
  }

  void play(std::chrono::seconds length) {
    for (const auto end = steady::now() + length; steady::now() < end;) {
      std::this_thread::sleep_for(std::chrono::milliseconds{below(250)});
      auto& who = victims_[below(victims_.size())];
      const auto what = below(10);
      if (below(40) == 0 && where_.crash())
        ++crashes_;
      else if (what < 7)
        kill(who);
      else if (what < 9)
        stop(who);
      else
        freeze(who);
      look();
    }
  }

  /// Lets what is left be handled.
  void settle() {
    for (auto& x : victims_)
      stop(x, false);
    for (auto& x : victims_)
      x = another(false); // which ends when none are left
    for (auto& x : victims_) {
      x.wait_or_fail();
      if (const auto code = x.wait(); code != 0)
        fail("a process has ended with " + std::to_string(code));
    }
    victims_.clear();
  }

  void check() {
    const auto now = look();
    if (now.done != now.put || now.buried != 0)
      fail("not all of it is done");
    std::map<job_id, int> times;
    std::set<std::pair<job_id, std::int64_t>> claims;
    std::ifstream effects{files_.effects};
    for (claim_id x; effects >> x.id >> x.fence;) {
      ++times[x.id];
      if (!claims.emplace(x.id, x.fence).second)
        fail("claim " + std::to_string(x.fence) + " of job "
             + std::to_string(x.id) + " was handled twice");
    }
    std::ifstream puts{files_.puts};
    for (job_id id; puts >> id;)
      if (!times.contains(id))
        fail("job " + std::to_string(id) + " was put, and not handled");
    if (times.size() != now.put)
      fail(std::to_string(times.size()) + " jobs were handled, and "
           + std::to_string(now.put) + " put");
    const auto again = std::count_if(
      times.begin(), times.end(), [](const auto& x) { return x.second > 1; });
    std::printf("%llu jobs, %d kills, %d stops, %d freezes, %d crashes of the "
                "server: all handled, %lld of them more than once\n",
                static_cast<unsigned long long>(now.put), kills_, stops_,
                freezes_, crashes_, static_cast<long long>(again));
  }

private:
  std::uint64_t below(std::uint64_t n) {
    return dice_() % n;
  }

  victim another(bool puts) {
    return victim{folder_, files_.database, dice_(), puts};
  }

  void kill(victim& x) {
    x.signal(SIGKILL);
    if (const auto code = x.wait(); code != 128 + SIGKILL)
      fail("a process has ended by itself, with " + std::to_string(code));
    ++kills_;
    x = another(true);
  }

  /// Asks a process to stop.
  void stop(victim& x, bool go_on = true) {
    x.signal(SIGTERM);
    // It may get the signal before it can take it.
    if (const auto code = x.wait(); code != 0 && code != 128 + SIGTERM)
      fail("a process that was asked to stop ended with "
           + std::to_string(code));
    ++stops_;
    if (go_on)
      x = another(true);
  }

  /// Has a process lose its claims without knowing.
  void freeze(victim& x) {
    x.signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds{below(2500)});
    x.signal(SIGCONT);
    ++freezes_;
  }

  queue_totals look() {
    // It is opened each time: an owner that is not there for long.
    const auto x = open_engine(files_.database, durability::process);
    const auto now = x->count("mail");
    if (now.waiting + now.running + now.buried + now.done + now.purged
        != now.put)
      fail("the account does not hold: put " + std::to_string(now.put)
           + ", waiting " + std::to_string(now.waiting) + ", running "
           + std::to_string(now.running) + ", buried "
           + std::to_string(now.buried) + ", done " + std::to_string(now.done));
    return now;
  }

  std::string folder_;
  kill_loop::database& where_;
  kill_loop::files files_;
  std::mt19937_64 dice_;
  std::vector<victim> victims_;
  int kills_ = 0;
  int stops_ = 0;
  int freezes_ = 0;
  int crashes_ = 0;
};

int drive(int argc, char** argv) {
  std::uint64_t seed = std::random_device{}();
  std::size_t victims = 3;
  std::chrono::seconds length{20};
  std::string engine = "sqlite";
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--engine") == 0)
      engine = argv[i + 1];
    else if (std::strcmp(argv[i], "--seed") == 0)
      seed = value;
    else if (std::strcmp(argv[i], "--victims") == 0)
      victims = std::max<std::size_t>(value, 1);
    else if (std::strcmp(argv[i], "--seconds") == 0)
      length = std::chrono::seconds{value};
    else
      fail(std::string{"no option "} + argv[i]);
  }
  const auto where = kill_loop::make_database(engine);
  if (!where) {
    std::printf("left out: there is no server of PostgreSQL's here\n");
    return EXIT_SUCCESS;
  }
  std::printf("%s, seed %llu\n", engine.c_str(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  auto name
    = (std::filesystem::temp_directory_path() / "troupe-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    fail("cannot make a folder");
  {
    loop x{name, *where, seed, victims};
    x.play(length);
    x.settle();
    x.check();
  }
  // What went wrong is left for a look.
  std::filesystem::remove_all(name);
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 6 && std::strcmp(argv[1], "--victim") == 0)
      return kill_loop::be_victim(kill_loop::files{argv[2], argv[3]},
                                  std::strtoull(argv[4], nullptr, 10),
                                  std::strcmp(argv[5], "puts") == 0);
    return drive(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return EXIT_FAILURE;
  }
}
