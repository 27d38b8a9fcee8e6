// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/arguments.hpp"

#include "stress/scenario.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>
#include <system_error>

namespace stress {

namespace {

void print_help() {
  std::puts("Real threads draw calls against workers and trees; the program "
            "ends when an\ninvariant does not hold.\n\n"
            "  --seed N       repeats the draws of each thread (default: by "
            "chance)\n"
            "  --minutes M    how long, may have a fraction (default: 1)\n"
            "  --threads N    how many threads draw (default: 3)\n"
            "  --scenario S   only this one (default: all in turn)\n"
            "  --round N      begins with this round\n\nScenarios:");
  for (auto& x : all_scenarios())
    std::printf("  %-10s %s\n", x.name, x.about);
}

template <class T>
bool read(std::string_view text, T& result) {
  auto* end = text.data() + text.size();
  auto [last, error] = std::from_chars(text.data(), end, result);
  return error == std::errc{} && last == end && !text.empty();
}

bool take(std::string_view name, std::string_view value, arguments& result) {
  if (name == "--seed")
    return read(value, result.seed);
  if (name == "--minutes")
    return read(value, result.minutes) && result.minutes > 0;
  if (name == "--threads")
    return read(value, result.threads) && result.threads > 0;
  if (name == "--round")
    return read(value, result.first_round);
  if (name != "--scenario")
    return false;
  result.scenario = value;
  const auto& all = all_scenarios();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& x) { return value == x.name; });
}

} // namespace

std::optional<arguments> read_arguments(int argc, char** argv, int& exit_code) {
  arguments result;
  result.seed = std::random_device{}();
  exit_code = 2;
  for (int i = 1; i < argc; i += 2) {
    if (std::strcmp(argv[i], "--help") == 0) {
      print_help();
      exit_code = 0;
      return {};
    }
    if (i + 1 >= argc || !take(argv[i], argv[i + 1], result)) {
      std::fprintf(stderr,
                   "troupe_stress: %s %s is not understood; --help "
                   "says what is\n",
                   argv[i], i + 1 < argc ? argv[i + 1] : "");
      return {};
    }
  }
  return result;
}

} // namespace stress
