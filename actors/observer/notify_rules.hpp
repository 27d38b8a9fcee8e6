// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/events.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// How many workers there are of which kind, and who a stop waits for.
struct worker_census {
  std::size_t starting = 0;
  std::size_t running = 0;
  std::size_t backing_off = 0;
  std::size_t stopping = 0;
  std::size_t abandoned = 0;

  struct awaited_worker {
    std::string path;
    worker_phase phase = worker_phase::draining;
  };

  /// During a stop: those that were asked to stop and have not, the most
  /// interesting first.
  std::vector<awaited_worker> awaited;
};

/// Decides what systemd is told. A pure value: time comes as a parameter, and
/// what to send goes as a text. The *root* is the first supervisor that was
/// ready and has nobody above it.
class notify_rules {
public:
  enum class stage : std::uint8_t {
    starting, ///< No root is ready yet.
    ready,    ///< The root is.
    stopping, ///< It has been asked to stop, or does so by itself.
    over,     ///< It has ended.
  };

  /// The status is looked at that long after the last look, at the earliest.
  static constexpr timespan status_interval = std::chrono::seconds{1};

  [[nodiscard]] stage at() const noexcept {
    return stage_;
  }

  /// The path of the root; empty before it is ready.
  [[nodiscard]] const std::string& root() const noexcept {
    return root_;
  }

  /// Whether the watchdog is to be fed, by asking the root.
  [[nodiscard]] bool feeds_watchdog() const noexcept {
    return stage_ == stage::ready || stage_ == stage::stopping;
  }

  /// Something has happened to a supervisor that has nobody above it. The
  /// status of its end is due at once: there may be no other one.
  /// @param why The reason of an end that was no normal one, or empty.
  /// @returns what to send; empty for nothing.
  [[nodiscard]] std::string on_root(event_kind what, const std::string& path,
                                    std::string_view why = {});

  /// Something has happened to somebody, so the status may be another one.
  void note_change(time_point now) noexcept;

  /// When the status is to be looked at, or `never`.
  [[nodiscard]] time_point status_due() const noexcept {
    return status_due_;
  }

  /// The status, when it is due.
  /// @returns what to send; empty if that is what was sent last.
  [[nodiscard]] std::string status(const worker_census& what, time_point now);

private:
  [[nodiscard]] std::string describe(const worker_census& what) const;

  stage stage_ = stage::starting;
  std::string root_;
  time_point status_due_ = never;
  time_point next_status_ = time_point::min();
  std::string last_status_;
  std::string end_ = "Stopped";
};

/// Makes a text fit for one line of systemd's protocol: printable, cut to a
/// length.
/// @param most How many bytes it may have, at least three.
[[nodiscard]] std::string notify_text(std::string_view text, std::size_t most);

} // namespace troupe
