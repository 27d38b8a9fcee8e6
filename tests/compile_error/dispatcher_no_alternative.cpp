// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A handler of what the variant cannot hold.
// expect: this type is no alternative of the variant

#include "troupe/dispatcher.hpp"

#include <string>
#include <variant>

void open(troupe::dispatcher<std::variant<int, std::string>>& desk) {
  desk.register_handler<double>([](double) {});
}
