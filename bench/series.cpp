// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "series.hpp"

#include "probe.hpp"
#include "stopwatch.hpp"

#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

namespace {

/// What is measured, for one size after the other.
struct curve {
  std::string_view what;
  std::string_view probe;

  /// Whether a run takes a hundred times as long with ten times as many.
  bool quadratic = false;

  /// How long the last run took, or the next one will, in nanoseconds; nothing
  /// is known of it unless it is quadratic.
  double took = 0;
};

/// What is expected to take longer is left out.
constexpr double longest_run = 30e9;

std::vector<std::size_t> sizes(const settings& how) {
  if (how.quick)
    return {1'000, 2'000, 4'000};
  return {1'000, 3'000, 10'000, 30'000, 100'000, 300'000, 1'000'000};
}

std::size_t rounds(std::size_t size, const settings& how) {
  if (how.quick)
    return 1;
  return size > 100'000 ? 3 : 5;
}

std::string as_json(std::string_view what, std::size_t size,
                    const samples& found,
                    const std::vector<std::string>& names) {
  auto result = "{\"size\": " + std::to_string(size) + ", \"runs\": "
                + std::to_string(found.at(names.front()).size());
  for (const auto& name : names)
    result += ", \"" + name + "\": " + json_number(median(found.at(name)));
  return result.append(", \"what\": \"").append(what).append("\"}");
}

double growth(std::size_t from, std::size_t to) {
  return from == 0 ? 0 : static_cast<double>(to) / static_cast<double>(from);
}

/// Runs the probe of each curve in turn, so that all see the same weather.
std::vector<samples> run_curves(std::vector<curve>& curves, std::size_t size,
                                std::size_t rounds) {
  std::vector<samples> found(curves.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < curves.size(); ++i) {
      auto& x = curves[i];
      if (x.took > longest_run)
        continue;
      const auto probe = own_probe(std::string{x.what}, x.probe, size);
      const auto start = stopwatch::now();
      for (const auto& [name, value] : run_probe(probe))
        found[i][name].push_back(value);
      if (x.quadratic)
        x.took = nanos_since(start);
    }
  }
  return found;
}

void measure(const std::filesystem::path& file, std::vector<curve> curves,
             const std::vector<std::string>& names, const settings& how) {
  std::ofstream out{file};
  std::size_t last = 0;
  for (const auto size : sizes(how)) {
    for (auto& x : curves)
      x.took *= growth(last, size) * growth(last, size);
    last = size;
    const auto found = run_curves(curves, size, rounds(size, how));
    for (std::size_t i = 0; i < curves.size(); ++i) {
      if (found[i].empty())
        continue;
      const auto line = as_json(curves[i].what, size, found[i], names);
      out << line << '\n';
      std::cout << line << '\n' << std::flush;
    }
  }
  out.close();
  if (!out)
    throw std::runtime_error{file.string() + " cannot be written"};
}

} // namespace

void measure_series(const std::filesystem::path& folder, const settings& how) {
  std::filesystem::create_directories(folder);
  measure(folder / "workers.json",
          {{"troupe", "troupe_workers"}, {"raw CAF", "raw_workers"}},
          {"start", "bytes", "stop"}, how);
  measure(folder / "timers.json",
          {{"troupe", "troupe_timers"}, {"raw CAF", "raw_timers", true}},
          {"arm", "pair"}, how);
}

} // namespace troupe::bench
