// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe::detail {

/// Starts a thread.
/// @param purpose What it is needed for, for the text of the exception.
/// @throws std::system_error if there is no thread; it says for what.
template <class F>
std::thread make_thread(const char* purpose, F f) {
  try {
    return std::thread{std::move(f)};
  } catch (const std::system_error& e) {
    throw std::system_error{e.code(), std::string{"troupe gets no thread for "}
                                        + purpose
                                        + "; raise the limit of threads, or "
                                          "use fewer"};
  }
}

} // namespace troupe::detail
