// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// troupe-top as its user meets it: a program, a server, and a terminal.

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <httplib.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;

namespace {

const char* const program = TROUPE_TOP_PROGRAM;

const std::string document = R"({"schema": 1, "version": "0.1.0", "at": 1.5,
 "ready": true, "stopping": null, "trees": [
 {"path": "/tree", "name": "tree", "kind": "supervisor", "state": "running",
  "phase": "ready", "incarnation": 1, "uptime": 3, "children": [
  {"path": "/tree/writer", "name": "writer", "kind": "worker",
   "state": "running", "phase": "ready", "incarnation": 1, "uptime": 3},
  {"path": "/tree/\u001b]0;evil\u0007", "name": "\u001b]0;evil\u0007",
   "kind": "worker", "state": "running", "phase": "ready", "incarnation": 1,
   "uptime": 3}]}]})";

/// An observer that says what it is told to.
class server {
public:
  explicit server(std::string text, int status = 200, int port = 0)
    : text_(std::move(text)), status_(status) {
    http_.Get("/status.json",
              [this](const httplib::Request&, httplib::Response& to) {
                to.status = status_;
                to.set_content(text_, "application/json");
              });
    http_.Post("/children/.*", [this](const httplib::Request& x,
                                      httplib::Response& to) {
      const auto refused = x.path.ends_with("/start");
      to.status = refused ? 409 : 200;
      to.set_content(refused ? R"({"error": "it runs"})" : R"({"ok": true})",
                     "application/json");
      std::unique_lock guard{mtx_};
      posted_ = x.path + " " + x.get_header_value("Authorization");
    });
    port_ = port == 0 ? http_.bind_to_any_port("127.0.0.1") : port;
    if (port != 0 && !http_.bind_to_port("127.0.0.1", port))
      throw std::runtime_error{"cannot bind the port anew"};
    // It listens already: who connects before the thread runs, waits.
    thread_ = std::thread{[this] { http_.listen_after_bind(); }};
  }

  server(const server&) = delete;

  server& operator=(const server&) = delete;

  ~server() {
    while (!http_.is_running())
      std::this_thread::yield(); // a stop before that would be lost
    http_.stop();
    thread_.join();
  }

  [[nodiscard]] int port() const {
    return port_;
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }

  /// The path and the token of the last request to change something.
  [[nodiscard]] std::string posted() {
    std::unique_lock guard{mtx_};
    return posted_;
  }

private:
  const std::string text_;
  const int status_;
  std::mutex mtx_;
  std::string posted_;
  httplib::Server http_;
  int port_ = 0;
  std::thread thread_;
};

[[noreturn]] void become(const std::vector<std::string>& words) {
  std::vector<char*> argv{const_cast<char*>(program)};
  for (const auto& word : words)
    argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execv(program, argv.data());
  ::_exit(127);
}

int wait_for(pid_t child, int flags = 0) {
  int status = 0;
  while (::waitpid(child, &status, flags) < 0 && errno == EINTR)
    continue;
  return status;
}

std::string read_all(int from) {
  std::string result;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto got = ::read(from, buffer.data(), buffer.size());
    if (got > 0)
      result.append(buffer.data(), static_cast<std::size_t>(got));
    else if (got == 0 || errno != EINTR)
      return result;
  }
}

/// What became of a program without a terminal.
struct result {
  int code;
  std::string out;
  std::string err;
};

result run(const std::vector<std::string>& words) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipes"};
  const auto child = ::fork();
  if (child == 0) {
    const auto nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    become(words);
  }
  ::close(out[1]);
  ::close(err[1]);
  result found{0, {}, {}};
  std::thread reader{[&] { found.err = read_all(err[0]); }};
  found.out = read_all(out[0]);
  reader.join();
  ::close(out[0]);
  ::close(err[0]);
  const auto status = wait_for(child);
  found.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return found;
}

/// A port of the loopback address, taken: at which somebody listens who says
/// nothing, or nobody.
class taken_port {
public:
  enum class who { silent, nobody };

  explicit taken_port(who there)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* address = reinterpret_cast<sockaddr*>(&name);
    socklen_t length = sizeof(name);
    if (::bind(socket_, address, length) != 0
        || (there == who::silent && ::listen(socket_, 8) != 0)
        || ::getsockname(socket_, address, &length) != 0)
      throw std::runtime_error{"no port"};
    port_ = ntohs(name.sin_port);
  }

  taken_port(const taken_port&) = delete;

  taken_port& operator=(const taken_port&) = delete;

  ~taken_port() {
    ::close(socket_);
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }

private:
  int socket_;
  int port_ = 0;
};

/// The program in a terminal of its own.
class terminal_session {
public:
  explicit terminal_session(const std::vector<std::string>& words,
                            unsigned short columns = 100,
                            unsigned short rows = 12) {
    winsize size{rows, columns, 0, 0};
    child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ < 0)
      throw std::runtime_error{"no terminal"};
    if (child_ == 0) {
      ::setenv("TERM", "xterm", 1);
      become(words);
    }
  }

  terminal_session(const terminal_session&) = delete;

  terminal_session& operator=(const terminal_session&) = delete;

  ~terminal_session() {
    if (!ended_) {
      ::kill(child_, SIGKILL);
      static_cast<void>(wait_for(child_));
    }
    ::close(terminal_);
  }

  /// Reads until `done` likes what has come since the last call that succeeded.
  /// @returns whether it did, within a minute.
  bool read_until(const std::function<bool(const std::string&)>& done) {
    std::array<char, 4096> buffer{};
    while (!done(fresh_)) {
      pollfd source{terminal_, POLLIN, 0};
      if (::poll(&source, 1, 60'000) != 1)
        return false;
      const auto got = ::read(terminal_, buffer.data(), buffer.size());
      if (got <= 0)
        return done(fresh_); // the other side has gone
      fresh_.append(buffer.data(), static_cast<std::size_t>(got));
      all_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    fresh_.clear();
    return true;
  }

  bool shows(const std::string& text) {
    return read_until([&text](const std::string& x) {
      return x.find(text) != std::string::npos;
    });
  }

  void type(std::string_view keys) {
    if (::write(terminal_, keys.data(), keys.size())
        != static_cast<ssize_t>(keys.size()))
      throw std::runtime_error{"cannot type"};
  }

  void resize(unsigned short columns, unsigned short rows) {
    const winsize size{rows, columns, 0, 0};
    ::ioctl(terminal_, TIOCSWINSZ, &size);
  }

  void send(int number) const {
    ::kill(child_, number);
  }

  /// Whether the terminal gives lines, and echoes.
  [[nodiscard]] bool is_cooked() const {
    termios settings{};
    ::tcgetattr(terminal_, &settings);
    return (settings.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
  }

  int await_stop() {
    return wait_for(child_, WUNTRACED);
  }

  /// Waits for the end of the program.
  int await_end() {
    static_cast<void>(
      read_until([](const std::string&) { return false; })); // to its end
    ended_ = true;
    return wait_for(child_);
  }

  [[nodiscard]] const std::string& all() const {
    return all_;
  }

private:
  int terminal_ = -1;
  pid_t child_ = -1;
  bool ended_ = false;
  std::string fresh_;
  std::string all_;
};

const std::string end_of_screen{"\x1b[?25h\x1b[?1049l"};

bool ended_well(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

// -- once ------------------------------------------------------------------------

TEST_CASE("--once prints the tree") {
  const server observer{document};
  const auto found = run({"--once", observer.url()});
  CHECK(found.code == 0);
  CHECK(found.err.empty());
  CHECK_THAT(found.out, ContainsSubstring("3 workers:  3 running"));
  CHECK_THAT(found.out, ContainsSubstring("- /tree "));
  CHECK_THAT(found.out, ContainsSubstring("\n    writer "));
  CHECK_THAT(found.out, ContainsSubstring("\n    \\x1b]0;evil\\x07 "));
  CHECK(found.out.find('\x1b') == std::string::npos);
}

TEST_CASE("--once --json prints the document as it came") {
  const server observer{document};
  const auto found = run({"--once", "--json", "--url=" + observer.url()});
  CHECK(found.code == 0);
  CHECK(found.out == document + '\n');
}

TEST_CASE("TROUPE_OBSERVER says where the observer is") {
  const server observer{document};
  ::setenv("TROUPE_OBSERVER", observer.url().c_str(), 1);
  const auto found = run({"--once"});
  ::unsetenv("TROUPE_OBSERVER");
  CHECK(found.code == 0);
  CHECK_THAT(found.out, ContainsSubstring(observer.url()));
}

TEST_CASE("who is no observer is refused with 1, saying why") {
  const server later{R"({"schema": 2, "trees": []})"};
  const server other{"<html>\x1b[2J"};
  const taken_port nobody{taken_port::who::nobody};
  const server refusing{R"({"error": "no such\nthing"})", 503};
  const auto rows = std::vector<std::pair<std::string, const char*>>{
    {later.url(), "its schema is 2, and this program knows schema 1 only"},
    {other.url(), "it is no JSON"},
    {refusing.url(), "it answers 503: {\"error\": \"no such"},
    {other.url() + "/elsewhere", "it answers 404"},
    {nobody.url(), "nobody answers there"},
  };
  for (const auto& [url, expected] : rows) {
    for (const auto& words :
         {std::vector<std::string>{"--once", url},
          std::vector<std::string>{"--once", "--json", url}}) {
      const auto found = run(words);
      INFO(found.err);
      CHECK(found.code == 1);
      CHECK(found.out.empty());
      CHECK_THAT(found.err, ContainsSubstring(expected));
      CHECK_THAT(found.err, ContainsSubstring("troupe-top: http://127.0.0.1:"));
      CHECK(found.err.find('\x1b') == std::string::npos);
    }
  }
}

TEST_CASE("a child is stopped, started and restarted with the token") {
  server there{document};
  const auto without = run({"--restart", "/tree/writer", there.url()});
  CHECK(without.code == 2);
  CHECK_THAT(without.err, ContainsSubstring("TROUPE_OBSERVER_TOKEN"));
  CHECK(there.posted().empty());
  ::setenv("TROUPE_OBSERVER_TOKEN", "secret", 1);
  const auto done = run({"--restart", "/tree/parser#1", there.url()});
  CHECK(done.code == 0);
  CHECK(done.err.empty());
  CHECK(there.posted() == "/children/tree/parser#1/restart Bearer secret");
  const auto refused = run({"--start", "/tree/writer", there.url()});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err,
             ContainsSubstring("409") && ContainsSubstring("it runs"));
  ::unsetenv("TROUPE_OBSERVER_TOKEN");
}

TEST_CASE("a host that there is not is said to be unknown") {
  const auto found = run({"--once", "http://nobody.invalid:1"});
  CHECK(found.code == 1);
  CHECK_THAT(found.err, ContainsSubstring("unknown host nobody.invalid"));
}

TEST_CASE("a mistake in the command line is refused with 2") {
  for (const auto& words : std::vector<std::vector<std::string>>{
         {"--no-such"}, {"--json"}, {"--once", "ftp://x"}, {}, // no terminal
       }) {
    const auto found = run(words);
    CHECK(found.code == 2);
    CHECK(found.out.empty());
    CHECK_THAT(found.err, ContainsSubstring("troupe-top: "));
    CHECK_THAT(found.err, ContainsSubstring("see --help"));
  }
}

TEST_CASE("--help and --version print what they are asked for") {
  auto found = run({"--help"});
  CHECK(found.code == 0);
  CHECK_THAT(found.out, ContainsSubstring("Usage: troupe-top"));
  found = run({"--version"});
  CHECK(found.code == 0);
  CHECK_THAT(found.out, ContainsSubstring("troupe-top 0."));
}

// -- in a terminal -----------------------------------------------------------------

TEST_CASE("it shows the tree, heeds keys, and leaves the terminal as it was") {
  const server observer{document};
  terminal_session top{{observer.url()}};
  REQUIRE(top.shows("writer"));
  CHECK_FALSE(top.is_cooked());
  top.type("/WRI");
  CHECK(top.shows("/WRI_"));
  top.type("\r");
  CHECK(top.shows("only /WRI/"));
  top.type("\x1b");
  CHECK(top.shows("evil"));
  top.type("s");
  CHECK(top.shows("queue"));
  top.type("ss ");
  CHECK(top.shows("+ /tree"));
  top.type("q");
  CHECK(ended_well(top.await_end()));
  CHECK(top.all().ends_with(end_of_screen));
  CHECK(top.all().find("\x1b]0;") == std::string::npos);
  CHECK(top.is_cooked());
}

TEST_CASE("it outlives a server that goes away, and finds it again") {
  auto observer = std::make_unique<server>(document);
  const auto port = observer->port();
  terminal_session top{{observer->url(), "--interval", "0.1"}};
  REQUIRE(top.shows("writer"));
  observer.reset();
  REQUIRE(top.shows("NO ANSWER: "));
  CHECK(top.shows("writer")); // what it saw last
  observer = std::make_unique<server>(document, 200, port);
  CHECK(top.read_until([](const std::string& all) {
    const auto last = all.rfind("troupe-top");
    return last != std::string::npos && last > 0
           && all.find("NO ANSWER", all.rfind("troupe-top", last - 1))
                == std::string::npos;
  }));
  top.type("q");
  CHECK(ended_well(top.await_end()));
}

TEST_CASE("it says that there is nobody, and ends all the same") {
  const taken_port nobody{taken_port::who::nobody};
  terminal_session top{{nobody.url()}};
  CHECK(top.shows("NO ANSWER: nobody answers there"));
  top.type("q");
  CHECK(ended_well(top.await_end()));
}

TEST_CASE("keys work while the server keeps it waiting") {
  const taken_port silent{taken_port::who::silent};
  terminal_session top{{silent.url()}};
  REQUIRE(top.shows("waiting for the first answer"));
  top.type("q");
  CHECK(ended_well(top.await_end()));
}

TEST_CASE("it draws anew when the terminal has another size") {
  const server observer{document};
  terminal_session top{{observer.url(), "--interval=3600"}};
  REQUIRE(top.shows("writer"));
  top.resize(30, 5);
  CHECK(top.read_until([](const std::string& all) {
    const auto last = all.rfind("\x1b[H");
    if (last == std::string::npos)
      return false;
    std::size_t lines = 0;
    for (auto i = all.find("\x1b[K", last); i != std::string::npos;
         i = all.find("\x1b[K", i + 1))
      ++lines;
    return lines == 5;
  }));
  top.type("q");
  CHECK(ended_well(top.await_end()));
}

TEST_CASE("a signal ends it, and the terminal is as it was") {
  const server observer{document};
  for (const auto number : {SIGTERM, SIGHUP, SIGINT}) {
    terminal_session top{{observer.url()}};
    REQUIRE(top.shows("writer"));
    top.send(number);
    const auto status = top.await_end();
    if (number == SIGINT)
      CHECK(ended_well(status));
    else
      CHECK((WIFSIGNALED(status) && WTERMSIG(status) == number));
    CHECK(top.all().ends_with(end_of_screen));
    CHECK(top.is_cooked());
  }
}

TEST_CASE("it gives the terminal back while it is stopped") {
  const server observer{document};
  terminal_session top{{observer.url(), "--interval=3600"}};
  REQUIRE(top.shows("writer"));
  top.type("\x1a"); // Ctrl-Z
  const auto status = top.await_stop();
  REQUIRE(WIFSTOPPED(status));
  CHECK(top.is_cooked());
  CHECK(top.shows(end_of_screen));
  top.send(SIGCONT);
  CHECK(top.shows("writer"));
  CHECK_FALSE(top.is_cooked());
  top.type("q");
  CHECK(ended_well(top.await_end()));
}
