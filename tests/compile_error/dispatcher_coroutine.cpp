// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A coroutine as a handler of a dispatcher, which would never run it.
// expect: nobody would await this coroutine

#include "troupe/dispatcher.hpp"

#include <string>

void open(troupe::dispatcher<std::string>& desk) {
  desk.register_handler("letter",
                        [](std::string) -> troupe::task<> { co_return; });
}
