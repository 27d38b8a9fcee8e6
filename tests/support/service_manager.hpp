// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/part.hpp"
#include "support/scripted.hpp"
#include "troupe/supervisor_spec.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// The surroundings of a service: a manager like systemd, and its environment.
namespace support {

/// The socket of somebody like systemd.
class service_manager {
public:
  /// @param abstract Whether the socket has a name instead of a path.
  explicit service_manager(bool abstract = false)
    : folder_(std::filesystem::temp_directory_path() / random_name()),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::filesystem::create_directory(folder_);
    address_ = abstract ? '@' + random_name() : (folder_ / "notify").string();
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    if (abstract)
      name.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + address_.size();
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&name),
               static_cast<socklen_t>(length))
        != 0)
      throw std::runtime_error{"cannot bind a socket to " + address_};
  }

  service_manager(const service_manager&) = delete;

  service_manager& operator=(const service_manager&) = delete;

  ~service_manager() {
    ::close(socket_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] const std::string& address() const {
    return address_;
  }

  /// Takes the messages that have come since the last time.
  lines take() const {
    lines result;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto got = ::recv(socket_, buffer.data(), buffer.size(),
                              MSG_DONTWAIT);
      if (got < 0)
        return result;
      result.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  /// Waits for the next message, in real time.
  std::string await() const {
    pollfd source{socket_, POLLIN, 0};
    std::array<char, 4096> buffer{};
    if (::poll(&source, 1, 60'000) != 1)
      return "nothing";
    const auto got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(got)};
  }

private:
  static std::string random_name() {
    return "troupe-test-" + std::to_string(std::random_device{}());
  }

  std::filesystem::path folder_;
  std::string address_;
  int socket_;
};

/// The environment that systemd gives to a service, for as long as it lives.
class service_environment {
public:
  explicit service_environment(const std::optional<std::string>& socket,
                               const std::optional<std::string>& usec = {},
                               const std::optional<std::string>& pid = {}) {
    set("NOTIFY_SOCKET", socket);
    set("WATCHDOG_USEC", usec);
    set("WATCHDOG_PID", pid);
  }

  service_environment(const service_environment&) = delete;

  service_environment& operator=(const service_environment&) = delete;

  ~service_environment() {
    set("NOTIFY_SOCKET", {});
    set("WATCHDOG_USEC", {});
    set("WATCHDOG_PID", {});
  }

private:
  static void set(const char* name, const std::optional<std::string>& value) {
    if (value)
      ::setenv(name, value->c_str(), 1);
    else
      ::unsetenv(name);
  }
};
inline lines without_status(lines all) {
  std::erase_if(all, [](const auto& x) { return x.starts_with("STATUS="); });
  return all;
}

inline lines only_status(lines all) {
  std::erase_if(all, [](const auto& x) { return !x.starts_with("STATUS="); });
  return all;
}

inline std::size_t count_of(const lines& all, std::string_view what) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
}

inline troupe::supervisor_spec tree_of_one(journal& log, part::body run = {}) {
  troupe::supervisor_spec result{.name = "tree"};
  result.add<part>(
    "a", {.worker = {.stopping_grace_period = std::chrono::minutes{1}}},
    std::ref(log), std::move(run));
  return result;
}

/// Takes its time to stop.
inline part::body stopping_for(troupe::timespan time) {
  return [time](part& self) -> troupe::task<> {
    co_await self.stop_requested();
    constexpr auto step = std::chrono::seconds{1};
    for (auto rest = time; rest > rest.zero(); rest -= step)
      static_cast<void>(co_await self.sleep_for(step));
  };
}
} // namespace support
