// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace log_service {

/// Takes a line, waiting for room if it has to.
/// @returns whether it was taken.
using take_line = std::function<bool(std::string)>;

/// Receives lines by TCP, on the loopback interface, from any number of clients
/// at once, until a stop is asked for. Blocks.
///
/// When a client closes its sending side, and at the stop, it gets one line,
/// "accepted N": how many of its lines were taken, the first N. A last line
/// without an end is not one.
class intake {
public:
  /// @param port 0 for any that is free.
  /// @throws std::system_error if it cannot listen there.
  explicit intake(std::uint16_t port);

  intake(const intake&) = delete;

  intake& operator=(const intake&) = delete;

  ~intake();

  [[nodiscard]] std::uint16_t port() const;

  /// To be called once.
  void run(const std::stop_token& stop, const take_line& take);

private:
  struct implementation;

  std::unique_ptr<implementation> impl_;
};

/// A client that sends so many lines and waits for the answer.
/// @returns how many were accepted.
/// @throws std::system_error if the connection breaks.
std::uint64_t feed(std::uint16_t port, std::uint64_t lines, unsigned seed);

} // namespace log_service
