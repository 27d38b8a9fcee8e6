// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/run_config.hpp"
#include "system/runtime.hpp"
#include "worker/life_owner.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace troupe::detail {

/// The error of a call on a handle that points to no worker.
[[nodiscard]] caf::error null_handle();

/// The part of a core that is fixed before its first life begins, and so needs
/// no lock: where the worker stands in its tree, and its settings.
class core_identity {
public:
  core_identity(std::string path, std::shared_ptr<const run_config> config,
                std::shared_ptr<life_owner> owner = nullptr,
                std::uint64_t child_id = 0) noexcept
    : config_(std::move(config)),
      path_(std::move(path)),
      owner_(std::move(owner)),
      child_id_(child_id) {
    // nop
  }

  /// From the top of its tree: "/pipeline/writer".
  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

  /// The end of its path.
  [[nodiscard]] const char* name() const noexcept {
    return path_.c_str() + path_.rfind('/') + 1;
  }

  /// `worker "name" (/path)`, the subject of every error text.
  [[nodiscard]] std::string subject() const;

  /// The text of its `reason` to end; if it has only passed on why somebody
  /// below it has ended, of that.
  [[nodiscard]] std::string cause_of(const caf::error& reason) const;

  [[nodiscard]] child_kind kind() const noexcept;

  [[nodiscard]] const run_config& config() const noexcept {
    return *config_;
  }

  [[nodiscard]] const std::shared_ptr<const run_config>&
  shared_config() const noexcept {
    return config_;
  }

  [[nodiscard]] runtime& rt() const noexcept {
    return *config_->rt;
  }

  [[nodiscard]] const std::shared_ptr<runtime>& shared_rt() const noexcept {
    return config_->rt;
  }

  /// The owner, which decides about its lives, or null.
  [[nodiscard]] life_owner* owner() const noexcept {
    return owner_.get();
  }

  /// Its id among the children of the owner.
  [[nodiscard]] std::uint64_t child_id() const noexcept {
    return child_id_;
  }

  /// Sets that id. Before its first life begins.
  void set_child_id(std::uint64_t id) noexcept {
    child_id_ = id;
  }

protected:
  ~core_identity() = default;

private:
  const std::shared_ptr<const run_config>
    config_; // goes last, with the runtime
  const std::string path_;
  const std::shared_ptr<life_owner> owner_;
  std::uint64_t child_id_;
};

} // namespace troupe::detail
