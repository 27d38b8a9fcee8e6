// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// The way to systemd: one datagram for each message. systemd's own manual,
/// sd_notify(3), calls its protocol stable and has programs speak it themselves
/// rather than link libsystemd.
class notify_socket {
public:
  /// @param address What `NOTIFY_SOCKET` says: an absolute path, or `@` and the
  ///                name of an abstract socket.
  /// @throws std::invalid_argument if it is no such thing or too long,
  ///         std::system_error if no socket can be made.
  explicit notify_socket(const std::string& address);

  notify_socket(const notify_socket&) = delete;

  notify_socket& operator=(const notify_socket&) = delete;

  ~notify_socket();

  enum class result : std::uint8_t {
    sent,
    /// There is no room for it at present.
    full,
    /// See `error`.
    failed,
  };

  /// Never blocks.
  [[nodiscard]] result send(std::string_view message) noexcept;

  /// Why the last message was not sent, as an `errno`.
  [[nodiscard]] int error() const noexcept {
    return error_;
  }

private:
  sockaddr_un to_{};
  socklen_t length_ = 0;
  int socket_ = -1;
  int error_ = 0;
};

} // namespace troupe
