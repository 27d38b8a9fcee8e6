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

  /// Whether all further sizes are left out.
  bool over = false;
};

/// How long a run of what is quadratic may be expected to take.
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

void measure(const std::filesystem::path& file, std::vector<curve> curves,
             const std::vector<std::string>& names, const settings& how) {
  std::ofstream out{file};
  const auto all = sizes(how);
  for (auto size = all.begin(); size != all.end(); ++size) {
    std::vector<samples> found(curves.size());
    // In turn, so that all see the same weather.
    for (std::size_t round = 0; round < rounds(*size, how); ++round) {
      for (std::size_t i = 0; i < curves.size(); ++i) {
        if (curves[i].over)
          continue;
        const auto start = stopwatch::now();
        for (const auto& [name, value] : run_probe(
               own_probe(std::string{curves[i].what}, curves[i].probe, *size)))
          found[i][name].push_back(value);
        found[i]["took"].push_back(nanos_since(start));
      }
    }
    for (std::size_t i = 0; i < curves.size(); ++i) {
      if (curves[i].over)
        continue;
      const auto line = as_json(curves[i].what, *size, found[i], names);
      out << line << std::endl;
      std::cout << line << std::endl;
      if (const auto next = std::next(size); next != all.end()) {
        const auto times = static_cast<double>(*next)
                           / static_cast<double>(*size);
        curves[i].over = median(found[i].at("took")) * times * times
                         > longest_run;
      }
    }
  }
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
