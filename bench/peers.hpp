// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "probe.hpp"

#include <cstddef>
#include <string>

/// The probes in other languages, in bench/peers.
namespace troupe::bench {

/// Erlang/OTP; missing if there is no `escript`.
[[nodiscard]] probe_command otp(const std::string& what, std::size_t size);

/// aio-fluid; missing if Python cannot import it.
[[nodiscard]] probe_command fluid(const std::string& what, std::size_t size);

/// A queue of jobs from npm, see peers/jobs.mjs; missing if `scripts/bench` has
/// not installed it, which it does not for `--quick`.
[[nodiscard]] probe_command npm(const std::string& what, std::size_t size);

/// Coroutines of Asio; missing if it was not there when this was built.
[[nodiscard]] probe_command asio(std::size_t size);

/// The same, with mimalloc in place of the C library's allocator; missing if it
/// is not installed.
[[nodiscard]] probe_command with_mimalloc(probe_command what);

} // namespace troupe::bench
