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
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace support {

/// A port that is free at this moment.
inline std::uint16_t free_port() {
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

/// A server of a test, which a shell script starts, stops and kills. It ends
/// with this, or with the process: the script reads commands, and stops the
/// server at the end of its input.
class server_script {
public:
  server_script() = default;

  server_script(const server_script&) = delete;

  server_script& operator=(const server_script&) = delete;

  ~server_script() {
    end();
  }

  /// Runs the script with these arguments, and an empty folder among them, in
  /// place of `{}`, which it deletes at the end.
  /// @returns its first line.
  std::string begin(std::vector<std::string> command) {
    // The script deletes it, for the process may be killed.
    auto folder
      = (std::filesystem::temp_directory_path() / "troupe-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr)
      throw std::runtime_error{"cannot make a folder"};
    std::string shell = "sh";
    std::vector<char*> arguments{shell.data()};
    for (auto& x : command)
      arguments.push_back(x == "{}" ? folder.data() : x.data());
    arguments.push_back(nullptr);
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
      ::execv("/bin/sh", arguments.data());
      ::_exit(126);
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
    return answer();
  }

  void end() {
    if (pid_ <= 0)
      return;
    ::close(to_);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    ::close(from_);
  }

  /// Has the script do something, and waits until it has.
  void tell(const std::string& command) {
    const auto line = command + "\n";
    if (::write(to_, line.data(), line.size())
          != static_cast<ssize_t>(line.size())
        || answer() != "done")
      throw std::runtime_error{"the server of the test is gone"};
  }

private:
  /// A line of the script's.
  std::string answer() const {
    std::string result;
    for (char c = 0; ::read(from_, &c, 1) == 1 && c != '\n';)
      result += c;
    return result;
  }

  pid_t pid_ = 0;
  int to_ = -1;
  int from_ = -1;
};

} // namespace support
