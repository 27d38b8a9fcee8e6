// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>

namespace troupe::durable {

/// How processes that share a file know of each other whether they are there:
/// each keeps one byte of a lock file locked, and the kernel lets go of it when
/// the process is gone, however it went. Nothing is written to the file, and it
/// is never deleted.
///
/// The lock belongs to the open file, not to the process: several of them in
/// one process are as those of several processes. It goes with the last process
/// that has the open file, so a child that came out of `fork()`, and did not
/// call `exec`, keeps it; then a lease has to end.
class owner_locks {
public:
  /// @param path The file; it is made if it is not there.
  /// @throws std::system_error with the path in its text.
  explicit owner_locks(std::string path);

  owner_locks(const owner_locks&) = delete;

  owner_locks& operator=(const owner_locks&) = delete;

  ~owner_locks();

  /// Locks the byte of an owner, for as long as this lives.
  /// @returns whether nobody else has it locked.
  /// @throws std::system_error with the path in its text.
  [[nodiscard]] bool lock(std::int64_t owner);

  /// Whether somebody else than this has the byte of an owner locked.
  /// @throws std::system_error with the path in its text.
  [[nodiscard]] bool is_locked(std::int64_t owner) const;

private:
  std::string path_;
  int file_ = -1;
};

/// Names this boot of the machine: locks and monotonic times of another one
/// mean nothing.
/// @returns the kernel's id of the boot; empty if it has none.
[[nodiscard]] std::string boot_id();

} // namespace troupe::durable
