// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A task is awaited once, and the place where it ends must be seen.
// expect: (use of deleted function|deleted operator|deleted).*co_await

#include "troupe/task.hpp"

troupe::task<> run(troupe::task<> x) {
  co_await x;
}
