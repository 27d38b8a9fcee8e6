// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/detail/read_mark.hpp"
#include "troupe/error.hpp"
#include "troupe/stop_report.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace troupe {

namespace detail {

class worker_core;
struct life;

} // namespace detail

/// How an incarnation ended.
enum class outcome_kind : std::uint8_t {
  /// By itself, or after a stop that it honoured.
  normal,
  /// Its coroutine was destroyed, or it was abandoned.
  forced,
  /// It, a handler or a linked child failed.
  failed,
  /// It was killed, quit or made unreachable from outside.
  cancelled,
};

/// @relates outcome_kind
constexpr detail::name_list<4> names_of(outcome_kind) noexcept {
  return {"normal", "forced", "failed", "cancelled"};
}

/// How an incarnation of a worker ended, and why. A value; copying it is cheap
/// enough for reports, not for hot loops. Any thread may read its own copy.
class outcome {
public:
  outcome() = default;

  /// How a life ended, and why.
  outcome(outcome_kind kind, caf::error reason,
          std::exception_ptr thrown = nullptr)
    : kind_(kind), reason_(std::move(reason)), thrown_(std::move(thrown)) {
    // nop
  }

  /// How it ended.
  [[nodiscard]] outcome_kind kind() const noexcept {
    return kind_;
  }

  /// The exit code: 0 normal, 1 forced, 2 failed or cancelled.
  [[nodiscard]] int code() const noexcept;

  /// Whether the worker ended normally.
  [[nodiscard]] bool ok() const noexcept {
    return kind_ == outcome_kind::normal;
  }

  /// Why it ended; default-constructed for a normal end.
  [[nodiscard]] const caf::error& reason() const noexcept {
    return reason_;
  }

  /// The failure of `on_shutdown()` on top of `reason()`, if any.
  [[nodiscard]] const caf::error& cleanup_error() const noexcept {
    return cleanup_error_;
  }

  /// The original exception, or null if none was thrown or the outcome came
  /// from another node.
  [[nodiscard]] const std::exception_ptr& thrown() const noexcept {
    return thrown_;
  }

  /// Whether the worker sits in code that does not return, see
  /// `worker_phase::abandoned`.
  [[nodiscard]] bool abandoned() const noexcept {
    return abandoned_;
  }

  /// Of a supervisor, the workers that delayed its stop: those below it that
  /// had to be forced, or were abandoned.
  [[nodiscard]] const stop_report& blockers() const noexcept {
    return blockers_;
  }

  /// The incarnation that ended, counted from 1.
  [[nodiscard]] std::uint64_t incarnation() const noexcept {
    return incarnation_;
  }

  /// The time from the start to the end.
  [[nodiscard]] timespan duration() const noexcept {
    return duration_;
  }

  /// Throws the original exception if there is one, else, unless the worker
  /// ended normally, `std::runtime_error` with the text of the reason.
  void rethrow() const;

  template <class Inspector>
  friend bool inspect(Inspector& f, outcome& x) {
    return f.object(x).fields(f.field("kind", x.kind_),
                              f.field("reason", x.reason_),
                              f.field("cleanup_error", x.cleanup_error_),
                              f.field("abandoned", x.abandoned_),
                              f.field("incarnation", x.incarnation_),
                              f.field("duration", x.duration_),
                              f.field("blockers", x.blockers_));
  }

private:
  friend class detail::worker_core;
  friend struct detail::life;

  outcome_kind kind_ = outcome_kind::normal;
  bool abandoned_ = false;
  caf::error reason_;
  caf::error cleanup_error_;
  std::exception_ptr thrown_;
  std::uint64_t incarnation_ = 1;
  timespan duration_{0};
  stop_report blockers_;
};

/// Renders the kind and, unless it is normal, the reason, in one line.
/// @relates outcome
std::string to_string(const outcome& x);

/// The result of a blocking wait for a worker's end: its outcome or, if there
/// is none, the reason.
class awaited_outcome : public std::optional<outcome> {
public:
  /// An outcome, or none.
  using super = std::optional<outcome>;

  /// @param mark For the library: notes that somebody has looked at it.
  awaited_outcome(outcome x, detail::read_mark mark = {})
    : super(std::move(x)), mark_(std::move(mark)) {
    // nop
  }

  /// There is no outcome because of `why`: `errc::not_started`,
  /// `errc::timed_out`, `errc::would_block` or `errc::system_gone`.
  awaited_outcome(caf::error why) : error_(std::move(why)) {
    // nop
  }

  /// Why there is no outcome; default-constructed if there is one.
  [[nodiscard]] const caf::error& error() const noexcept {
    return error_;
  }

  // -- as of `std::optional`, which does not know who looks -------------------

  /// Whether there is an outcome.
  [[nodiscard]] bool has_value() const noexcept {
    mark_.set();
    return super::has_value();
  }

  /// @copydoc has_value
  [[nodiscard]] explicit operator bool() const noexcept {
    return has_value();
  }

  /// @pre `has_value()`
  [[nodiscard]] const outcome* operator->() const noexcept {
    mark_.set();
    return super::operator->();
  }

  /// @pre `has_value()`
  [[nodiscard]] const outcome& operator*() const& noexcept {
    mark_.set();
    return super::operator*();
  }

  /// @pre `has_value()`
  [[nodiscard]] outcome&& operator*() && noexcept {
    mark_.set();
    return std::move(super::operator*());
  }

private:
  caf::error error_;
  detail::read_mark mark_;
};

} // namespace troupe
