// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/// Servers of PostgreSQL's for tests, as users of their own, in folders and on
/// ports of their own. Their programs are where `TROUPE_POSTGRES_BIN` says.
namespace support {

/// A server. It ends with this, or with the process, see postgres_server.sh.
class postgres_server {
public:
  postgres_server() {
    for (auto attempts = 3; attempts > 0; --attempts) {
      begin();
      if (answer() == "ready")
        return;
      end();
    }
    throw std::runtime_error{"PostgreSQL does not start; see above"};
  }

  postgres_server(const postgres_server&) = delete;

  postgres_server& operator=(const postgres_server&) = delete;

  ~postgres_server() {
    end();
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  /// Has it crash.
  void kill() {
    tell("kill");
  }

  void stop() {
    tell("stop");
  }

  void start() {
    tell("start");
  }

  /// The URL of one of its databases.
  [[nodiscard]] std::string url(const std::string& database = "postgres",
                                const std::string& password = "secret") const {
    return "postgresql://troupe:" + password
           + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }

private:
  void begin() {
    // The script deletes it, for the process may be killed.
    auto folder
      = (std::filesystem::temp_directory_path() / "troupe-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr)
      throw std::runtime_error{"cannot make a folder"};
    port_ = free_port();
    const auto port = std::to_string(port_);
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0
        || ::pipe2(from.data(), O_CLOEXEC) != 0)
      throw std::runtime_error{"cannot make a pipe"};
    pid_ = ::fork();
    if (pid_ < 0)
      throw std::runtime_error{"cannot fork"};
    if (pid_ == 0) {
      ::dup2(to[0], STDIN_FILENO);
      ::dup2(from[1], STDOUT_FILENO);
      ::execl("/bin/sh", "sh", TROUPE_POSTGRES_SCRIPT, TROUPE_POSTGRES_BIN,
              folder.c_str(), port.c_str(), static_cast<char*>(nullptr));
      ::_exit(126);
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
  }

  void end() {
    if (pid_ <= 0)
      return;
    ::close(to_);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    ::close(from_);
  }

  /// A line of the script's.
  std::string answer() const {
    std::string result;
    for (char c = 0; ::read(from_, &c, 1) == 1 && c != '\n';)
      result += c;
    return result;
  }

  void tell(const std::string& command) {
    const auto line = command + "\n";
    if (::write(to_, line.data(), line.size())
          != static_cast<ssize_t>(line.size())
        || answer() != "done")
      throw std::runtime_error{"the server of the test is gone"};
  }

  static std::uint16_t free_port() {
    const auto file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (::bind(file, name, length) != 0
        || ::getsockname(file, name, &length) != 0)
      throw std::runtime_error{"no port is free"};
    ::close(file);
    return ntohs(address.sin_port);
  }

  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
  int to_ = -1;
  int from_ = -1;
};

/// One for all tests of a program, which it starts when it is needed.
inline postgres_server& shared_postgres() {
  static postgres_server result;
  return result;
}

} // namespace support
