// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cluster/grant.hpp"
#include "cluster/wake_flag.hpp"
#include "troupe/cluster/singleton.hpp"
#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <memory>
#include <string>
#include <utility>

namespace troupe::cluster {

class node_core;

/// One life of the child that stands for a singleton, as its node knows it.
/// The node offers a grant, and the child says what became of the worker.
class candidacy {
public:
  /// The news that a node has.
  struct news {
    /// A worker is to be started under it, or null.
    std::shared_ptr<grant> start;

    /// Why there is none; empty: there is no trouble.
    std::string trouble;
  };

  candidacy(std::shared_ptr<node_core> node, std::string name,
            cluster::on_overrun overrun, worker_options options, timespan stop)
    : node_(std::move(node)),
      name_(std::move(name)),
      overrun_(overrun),
      options_(std::move(options)),
      stop_(stop) {
    // nop
  }

  candidacy(const candidacy&) = delete;

  candidacy& operator=(const candidacy&) = delete;

  ~candidacy();

  // -- properties -------------------------------------------------------------

  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  [[nodiscard]] cluster::on_overrun overrun() const noexcept {
    return overrun_;
  }

  /// How the worker is run.
  [[nodiscard]] const worker_options& options() const noexcept {
    return options_;
  }

  /// The longest time that the worker takes to stop.
  [[nodiscard]] timespan stop() const noexcept {
    return stop_;
  }

  /// The path of the child, for texts.
  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

  [[nodiscard]] status_fields describe() const;

  // -- for the child ----------------------------------------------------------

  /// @throws std::runtime_error if another child stands for it here.
  void enter(std::string path);

  [[nodiscard]] news take();

  /// Set when there are news.
  [[nodiscard]] wake_flag& changed() noexcept {
    return changed_;
  }

  /// No worker runs under the grant: it is over, or has not begun.
  void worker_over();

  /// The worker was abandoned.
  void worker_hangs();

  /// The child ends.
  void leave() noexcept;

private:
  const std::shared_ptr<node_core> node_;
  const std::string name_;
  const cluster::on_overrun overrun_;
  const worker_options options_;
  const timespan stop_;
  std::string path_;
  bool entered_ = false;
  wake_flag changed_;
};

} // namespace troupe::cluster
