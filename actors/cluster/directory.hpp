// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/lease_table.hpp"
#include "cluster/session.hpp"
#include "troupe/cluster/member.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::cluster {

/// The answer of a directory, or why there is none. After an error it is not
/// known whether the question was heard.
template <class T>
class reply {
public:
  reply(T value) : value_(std::move(value)) {
    // nop
  }

  static reply failed(std::string why) {
    reply result;
    result.error_ = std::move(why);
    return result;
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return value_.has_value();
  }

  [[nodiscard]] const T& operator*() const noexcept {
    return *value_;
  }

  [[nodiscard]] const T* operator->() const noexcept {
    return &*value_;
  }

  [[nodiscard]] const std::string& error() const noexcept {
    return error_;
  }

private:
  reply() = default;

  std::optional<T> value_;
  std::string error_;
};

/// Takes an answer: on any thread, never within the call that asks, perhaps
/// never.
template <class T>
using taker = std::function<void(reply<T>)>;

struct granted_lease {
  rules::lease_id lease = 0;
  timespan ttl{0};
};

/// All keys at one moment.
struct listing {
  std::int64_t at = 0;
  std::vector<rules::key_entry> entries;
};

/// A node's way to its directory. Nothing blocks, nothing throws; thread-safe.
class connection {
public:
  connection() = default;

  connection(const connection&) = delete;

  connection& operator=(const connection&) = delete;

  virtual ~connection();

  virtual void grant(timespan ttl, taker<granted_lease> to) = 0;

  /// Answers whether there is such a lease.
  virtual void keep_alive(rules::lease_id lease, taker<bool> to) = 0;

  /// Ends a lease; nobody waits for that.
  virtual void revoke(rules::lease_id lease) = 0;

  /// Makes a key under a lease, if nobody has it, and reads it. That there is
  /// no such lease is an error.
  virtual void claim(const std::string& key, const std::string& value,
                     rules::lease_id lease, taker<rules::claim_answer> to)
    = 0;

  /// Deletes a key, if it was made at that revision. Answers when it is gone,
  /// or was not there.
  virtual void
  remove(const std::string& key, std::int64_t made_at, taker<bool> to)
    = 0;

  /// Puts a key if another one is there that was made at that revision. Answers
  /// whether it was.
  virtual void put_guarded(const std::string& key, const std::string& value,
                           const std::string& guard, std::int64_t made_at,
                           taker<bool> to)
    = 0;

  virtual void list(const std::string& prefix, taker<listing> to) = 0;

  /// Calls `changed` when something below `prefix` may have changed. It says
  /// nothing of what that is: a look does.
  virtual void watch(const std::string& prefix, std::function<void()> changed)
    = 0;
};

/// A directory, before a node uses it.
class directory {
public:
  directory() = default;

  directory(const directory&) = delete;

  directory& operator=(const directory&) = delete;

  virtual ~directory();

  /// Names it, for texts.
  [[nodiscard]] virtual std::string name() const = 0;

  /// @returns an error in its options; empty if there is none.
  [[nodiscard]] virtual std::string check() const;

  /// Below which all keys of the cluster are.
  [[nodiscard]] virtual std::string prefix() const;

  /// The length of a node's lease; zero: it has no leases.
  [[nodiscard]] virtual timespan ttl() const = 0;

  /// The first part of all tokens.
  [[nodiscard]] virtual std::uint32_t generation() const;

  /// The members that never change.
  [[nodiscard]] virtual std::vector<member> fixed_members() const;

  /// Makes the way of a node; null without leases.
  /// @throws std::system_error if there is no thread for it.
  [[nodiscard]] virtual std::unique_ptr<connection>
  connect(caf::actor_system& sys, const std::string& node) = 0;
};

} // namespace troupe::cluster
