// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A program that tries to break troupe: see scripts/stress.

#include "stress/arguments.hpp"
#include "stress/parcel.hpp"
#include "stress/resources.hpp"
#include "stress/scenario.hpp"
#include "stress/watch.hpp"
#include "support/sanitizers.hpp"

#include <caf/init_global_meta_objects.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

using namespace std::chrono_literals;

namespace {

// With a sanitizer everything takes longer, and what it keeps grows.
constexpr bool sanitized = support::under_asan || support::under_tsan;
constexpr auto patience = std::chrono::seconds{sanitized ? 180 : 60};
constexpr bool minds_memory = !sanitized;

/// How much more a scenario may take at its end than when it had warmed up.
constexpr std::size_t kilobytes_allowed = 48 * 1024;

} // namespace

int main(int argc, char** argv) {
  using clock = std::chrono::steady_clock;
  auto exit_code = 0;
  const auto args = stress::read_arguments(argc, argv, exit_code);
  if (!args)
    return exit_code;
  caf::core::init_global_meta_objects();
  caf::init_global_meta_objects<caf::id_block::stress>();
  // The perturbation, if troupe is built with it, draws from the same seed.
  ::setenv("TROUPE_PERTURB_SEED", std::to_string(args->seed).c_str(), 0);
  std::printf("seed %llu\n", static_cast<unsigned long long>(args->seed));
  std::fflush(stdout);
  stress::watch eyes{args->seed, patience};
  std::map<std::string, stress::growth> memory;
  std::map<std::string, std::uint64_t> rounds;
  const auto end
    = clock::now()
      + std::chrono::duration_cast<clock::duration>(
        std::chrono::duration<double, std::ratio<60>>{args->minutes});
  const auto& all = stress::all_scenarios();
  for (auto number = args->first_round; clock::now() < end; ++number) {
    // The seed of a round depends on its number alone, so that it can be
    // repeated without those before it.
    stress::dice draw{args->seed + number * 0x9E3779B9u};
    const auto& x = all[(number - 1) % all.size()];
    if (!args->scenario.empty() && args->scenario != x.name)
      continue;
    const auto seed = draw.next();
    const auto length = std::chrono::milliseconds{200 + draw.below(1000)};
    eyes.begin_round(x.name, number, seed);
    {
      stress::round now{eyes, seed, args->threads, length};
      x.play(now);
    }
    eyes.end_round();
    ++rounds[x.name];
    auto& growth = memory[x.name];
    growth.add(stress::resident_kilobytes());
    if (minds_memory && growth.kilobytes() > kilobytes_allowed)
      eyes.violated("memory does not grow", "-",
                    std::to_string(growth.kilobytes()) + " kB more after "
                      + std::to_string(rounds[x.name]) + " rounds");
  }
  for (auto& [name, n] : rounds)
    std::printf("%s: %llu rounds, memory grew by %zu kB\n", name.c_str(),
                static_cast<unsigned long long>(n), memory[name].kilobytes());
  return 0;
}
