// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/directory.hpp"
#include "cluster/lease.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The bodies of requests to etcd's gateway, and what its answers mean. Three
/// traps: numbers of 64 bits are texts, what is zero or false is left out, and
/// keys and values are in base64.
namespace troupe::cluster::etcd_text {

[[nodiscard]] std::string base64(std::string_view bytes);

/// The reverse; empty for what is no base64.
[[nodiscard]] std::string bytes_of(std::string_view base64);

/// The first key behind all that begin with `prefix`.
[[nodiscard]] std::string end_of(std::string prefix);

// -- requests ------------------------------------------------------------------

[[nodiscard]] std::string grant(timespan ttl);

/// Of a renewal, and of the end of a lease.
[[nodiscard]] std::string about(rules::lease_id lease);

[[nodiscard]] std::string claim(std::string_view key, std::string_view value,
                                rules::lease_id lease);

[[nodiscard]] std::string remove(std::string_view key, std::int64_t made_at);

[[nodiscard]] std::string
put_guarded(std::string_view key, std::string_view value,
            std::string_view guard, std::int64_t made_at);

[[nodiscard]] std::string list(const std::string& prefix);

[[nodiscard]] std::string watch(const std::string& prefix);

// -- answers -------------------------------------------------------------------

[[nodiscard]] reply<granted_lease> read_grant(const std::string& body);

/// Whether the lease is there.
[[nodiscard]] reply<bool> read_keep_alive(const std::string& body);

[[nodiscard]] reply<rules::claim_answer> read_claim(const std::string& body,
                                                    rules::lease_id lease,
                                                    std::string_view value);

/// Whether the comparison held.
[[nodiscard]] reply<bool> read_txn(const std::string& body);

[[nodiscard]] reply<listing> read_list(const std::string& body);

/// The text of an answer that is an error.
[[nodiscard]] std::string read_error(long status, const std::string& body);

} // namespace troupe::cluster::etcd_text
