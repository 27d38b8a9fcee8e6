// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/type_ids.hpp"

#include <caf/type_id.hpp>

#include <atomic>
#include <cstdint>

namespace stress {

/// A message tells the worker that gets it to do this.
enum class order : std::uint8_t {
  nothing,
  yield,
  sleep,
  compute,   ///< Keeps its thread for a moment.
  fail,      ///< Throws.
  finish,    ///< Returns from `run()`.
  quit,      ///< Quits its actor.
  hold,      ///< Takes a hold that another thread drops later.
  degrade,   ///< Says that it is degraded.
  recover,   ///< Says that it is healthy again.
  offload,   ///< Calls a function elsewhere.
  ask,       ///< Asks another worker.
  forward,   ///< Sends to another worker, with `send_to`.
  link,      ///< Starts a linked child.
  race,      ///< Waits for the first of several.
  observe,   ///< Waits for the end of another worker.
  supervise, ///< Calls its supervisor.
  sit,       ///< Sits in code that does not return until it is let.
  last = sit,
};

/// A message. Counts how many there are, so that each one that is lost is seen.
struct parcel {
  parcel() noexcept {
    ++count();
  }

  parcel(order x, std::uint32_t y, std::uint64_t z = 0) noexcept
    : what(x), whom(y), number(z) {
    ++count();
  }

  parcel(const parcel& other) noexcept
    : what(other.what), whom(other.whom), number(other.number) {
    ++count();
  }

  parcel& operator=(const parcel&) noexcept = default;

  ~parcel() {
    --count();
  }

  /// How many there are in this process.
  static std::int64_t alive() noexcept {
    return count().load();
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, parcel& x) {
    return f.object(x).fields(f.field("whom", x.whom),
                              f.field("number", x.number));
  }

  order what = order::nothing;
  /// Another worker, if the order needs one.
  std::uint32_t whom = 0;
  /// In a pool: its key and its place in the order of that key.
  std::uint64_t number = 0;

private:
  static std::atomic<std::int64_t>& count() noexcept {
    static std::atomic<std::int64_t> result{0};
    return result;
  }
};

} // namespace stress

CAF_BEGIN_TYPE_ID_BLOCK(stress, first_custom_type_id)
  CAF_ADD_TYPE_ID(stress, (stress::parcel))
CAF_END_TYPE_ID_BLOCK(stress)
