// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "system/forks.hpp"

#include "troupe/error.hpp"

#include <pthread.h>
#include <sys/stat.h>

#include <atomic>

namespace troupe::detail {

namespace {

std::atomic<unsigned> generation = 0;

} // namespace

unsigned fork_generation() noexcept {
  static const auto registered = pthread_atfork(nullptr, nullptr, [] {
    generation.fetch_add(1, std::memory_order_relaxed);
  });
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

bool is_only_thread() noexcept {
  // A folder has two links and one for each folder in it.
  struct stat tasks = {};
  return ::stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

std::string text_after_fork(const std::string& subject) {
  return subject
         + " is of no use in this process: it came out of fork(), which leaves "
           "the threads of the actor system behind; make the actor system "
           "after fork(), or call exec()";
}

caf::error error_after_fork(const std::string& subject) {
  return caf::make_error(errc::forked, text_after_fork(subject));
}

} // namespace troupe::detail
