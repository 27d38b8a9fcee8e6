// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/cluster/token.hpp"
#include "troupe/worker_handle.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace troupe::cluster {

class node_core;

/// The right of one life of a worker to run. Thread-safe.
class grant {
public:
  grant(std::weak_ptr<node_core> from, std::string key, cluster::token token)
    : from_(std::move(from)), key_(std::move(key)), token_(token) {
    // nop
  }

  [[nodiscard]] cluster::token token() const noexcept {
    return token_;
  }

  /// The key that it lives by.
  [[nodiscard]] const std::string& key() const noexcept {
    return key_;
  }

  /// The node that it comes from, or null if that is gone.
  [[nodiscard]] std::shared_ptr<node_core> from() const noexcept {
    return from_.lock();
  }

  /// The worker that runs under it begins.
  /// @returns `false` if it must not.
  [[nodiscard]] bool attach(const worker_handle& who);

  /// The worker that has begun under it, or nobody.
  [[nodiscard]] worker_handle worker() const;

  /// Whether the worker was told to stop, or must not begin.
  [[nodiscard]] bool is_over() const;

  /// Has the worker stop; without one, none begins.
  void stop(const std::string& why);

  /// Lets go of the worker, which holds this.
  void forget() noexcept;

  /// Has the worker stop at once.
  void force();

private:
  const std::weak_ptr<node_core> from_;
  const std::string key_;
  const cluster::token token_;

  mutable std::mutex mtx_;
  worker_handle worker_;
  bool over_ = false;
};

} // namespace troupe::cluster
