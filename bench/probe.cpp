// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probe.hpp"

#include <malloc.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

extern char** environ; // NOLINT(readability-redundant-declaration)

namespace troupe::bench {

namespace {

/// A process whose standard output is read.
class child_process {
public:
  explicit child_process(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0)
      throw std::system_error{errno, std::generic_category(), "pipe"};
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const auto& x : words)
      argv.push_back(const_cast<char*>(x.c_str()));
    argv.push_back(nullptr);
    const auto failed = posix_spawnp(&pid_, argv[0], &actions, nullptr,
                                     argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed != 0) {
      close(output_);
      throw std::system_error{failed, std::generic_category(), words.front()};
    }
  }

  child_process(const child_process&) = delete;

  child_process& operator=(const child_process&) = delete;

  ~child_process() {
    close(output_);
    if (pid_ > 0)
      waitpid(pid_, nullptr, 0);
  }

  std::string read_all() {
    std::string result;
    std::array<char, 4096> buf{};
    for (;;) {
      const auto n = read(output_, buf.data(), buf.size());
      if (n > 0)
        result.append(buf.data(), static_cast<std::size_t>(n));
      else if (n == 0 || errno != EINTR)
        return result;
    }
  }

  /// @returns whether it ended well.
  bool join() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      // once more
    }
    pid_ = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

private:
  pid_t pid_ = 0;
  int output_ = -1;
};

[[noreturn]] void fail(const std::string& label, const std::string& how) {
  std::string text = "the probe \"";
  text += label;
  text += "\" ";
  text += how;
  throw std::runtime_error{text};
}

figures parse(const std::string& text, const std::string& label) {
  figures result;
  std::istringstream in{text};
  std::string name;
  double value = 0;
  while (in >> name) {
    if (!(in >> value))
      fail(label, "printed: " + text);
    result.emplace(std::move(name), value);
  }
  return result;
}

} // namespace

probe_command own_probe(std::string label, std::string_view name,
                        std::size_t size) {
  return {.label = std::move(label),
          .words = {std::filesystem::read_symlink("/proc/self/exe").string(),
                    "--probe", std::string{name}, std::to_string(size)}};
}

figures run_probe(const probe_command& what) {
  child_process child{what.words};
  const auto text = child.read_all();
  if (!child.join())
    fail(what.label, "has failed");
  return parse(text, what.label);
}

std::vector<samples> run_in_turn(const std::vector<probe_command>& what,
                                 std::size_t rounds) {
  std::vector<samples> result(what.size());
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < what.size(); ++i)
      for (std::size_t n = 0; n < what[i].times && what[i].missing.empty(); ++n)
        for (const auto& [name, value] : run_probe(what[i]))
          result[i][name].push_back(value);
  return result;
}

double resident_bytes() {
  malloc_trim(0);
  std::ifstream in{"/proc/self/statm"};
  double size = 0;
  double resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double peak_bytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) * 1024;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& x) {
    return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

} // namespace troupe::bench
