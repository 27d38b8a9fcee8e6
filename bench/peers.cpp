// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "peers.hpp"

#include "probes/probes.hpp"

#include <cstdlib>

namespace troupe::bench {

namespace {

std::string script(const char* name) {
  return std::string{TROUPE_BENCH_FOLDER "/peers/"} + name;
}

/// Whether a command runs and ends well.
bool works(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

} // namespace

probe_command otp(const std::string& what, std::size_t size) {
  static const bool there = works("command -v escript");
  return {.label = "Erlang/OTP, " + what,
          .words = {"escript", script("otp.erl"), what, std::to_string(size)},
          .missing = there ? "" : "not installed (Debian: erlang-base)"};
}

probe_command fluid(const std::string& what, std::size_t size) {
  static const bool there = works("python3 -c 'import fluid.utils.worker'");
  return {.label = "aio-fluid, " + what,
          .words = {"python3", script("fluid.py"), what, std::to_string(size)},
          .missing = there ? "" : "not installed (pip: aio-fluid)"};
}

probe_command npm(const std::string& what, std::size_t size) {
  const auto* folder = std::getenv("TROUPE_BENCH_NPM");
  return {.label = what,
          .words = {"node",
                    std::string{folder == nullptr ? "" : folder} + "/jobs.mjs",
                    what, std::to_string(size)},
          .missing = folder == nullptr
                       ? "not installed (npm; scripts/bench installs it)"
                       : ""};
}

probe_command asio(std::size_t size) {
  auto result = own_probe("a coroutine of Asio each", "asio_workers", size);
  if (!has_asio())
    result.missing = "not built in (Debian: libasio-dev, with GCC)";
  return result;
}

probe_command with_mimalloc(probe_command what) {
  static const bool there = works("PATH=\"$PATH:/sbin\" ldconfig -p"
                                  " | grep -F libmimalloc.so.2");
  what.label += ", with mimalloc";
  what.words.insert(what.words.begin(), {"env", "LD_PRELOAD=libmimalloc.so.2"});
  if (!there)
    what.missing = "not installed (Debian: libmimalloc2.0)";
  return what;
}

} // namespace troupe::bench
