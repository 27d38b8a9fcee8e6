// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/place.hpp"

#ifdef TROUPE_POSTGRES_BIN
#  include "durable/by_hand_in_postgres.hpp"
#endif

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace troupe::bench {

std::string store_of_probe() {
  const auto* found = std::getenv("TROUPE_BENCH_STORE");
  if (found == nullptr)
    throw std::runtime_error{"this probe needs a store: set the environment "
                             "variable TROUPE_BENCH_STORE to the path of a "
                             "file, or to the URL of a database"};
  return found;
}

std::string empty_store_of_probe() {
  const auto result = store_of_probe();
  if (result.starts_with("postgresql:")) {
#ifdef TROUPE_POSTGRES_BIN
    postgres_by_hand{result}.execute(
      "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
#endif
    return result;
  }
  for (const auto* end : {"", "-wal", "-shm", "-owners"})
    std::filesystem::remove(result + end);
  return result;
}

std::size_t in_hand_of_probe() {
  const auto* found = std::getenv("TROUPE_BENCH_IN_HAND");
  return found == nullptr ? 1 : std::stoul(found);
}

} // namespace troupe::bench
