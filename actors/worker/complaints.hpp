// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/read_mark.hpp"

namespace troupe::detail {

class worker_core;

/// The words about a worker that nobody else gets to know: they go to the log,
/// or else to standard error. A view of its core, whose lock guards them.
/// Thread-safe; no lock may be held. (L40)
class complaints {
public:
  explicit complaints(worker_core& of) noexcept : of_(of) {
    // nop
  }

  /// To be set by those who get to know that it has failed; empty if it has
  /// not, or is below another one, which gets to know that.
  [[nodiscard]] read_mark get_mark();

  /// It has come to its end, and if it has failed, nobody may have read that.
  /// Those who have a handle get some time to do so.
  void end_reached() noexcept;

  /// Nobody can read it any more, or has done so in the time.
  void tell_unread() noexcept;

  /// It was abandoned. Those who have set a deadline for its stop know.
  void tell_abandoned() noexcept;

private:
  void tell_unread(bool may_be_read) noexcept;

  worker_core& of_;
};

} // namespace troupe::detail
