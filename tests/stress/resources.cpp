// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/resources.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <malloc.h>
#include <unistd.h>

namespace stress {

std::size_t count_threads() {
  std::filesystem::directory_iterator tasks{"/proc/self/task"};
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

std::size_t resident_kilobytes() {
  malloc_trim(0);
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

std::size_t growth::kilobytes() const {
  constexpr std::size_t window = 8;
  if (seen_.size() < 3 * window)
    return 0;
  // The least of several, since a round may leave more behind than another one.
  auto least = [this](std::size_t from) {
    auto first = seen_.begin() + static_cast<std::ptrdiff_t>(from);
    return *std::min_element(first, first + window);
  };
  const auto before = least(window);
  const auto now = least(seen_.size() - window);
  return now > before ? now - before : 0;
}

} // namespace stress
