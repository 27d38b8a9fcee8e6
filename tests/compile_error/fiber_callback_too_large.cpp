// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A fiber keeps no memory for its callback beyond a pointer.
// expect: the callback of a fiber must be no larger than a pointer

#include "troupe/task.hpp"

void start(troupe::detail::fiber& f, troupe::task<> x, int& a, int& b) {
  f.start(std::move(x), [&a, &b](troupe::detail::completion<void>) { a = b; });
}
