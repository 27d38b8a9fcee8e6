// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <atomic>
#include <mutex>
#include <set>

namespace troupe::testing {

/// An object that knows whether it exists: it counts what was made and what is
/// alive, and finds what is destroyed twice, copied from where nothing is, or
/// used after its end.
class counted {
public:
  explicit counted(int number = 0) : value(number) {
    enter();
  }

  counted(const counted& other) : value(other.value) {
    other.check();
    enter();
  }

  counted(counted&& other) noexcept : value(other.value) {
    other.check();
    enter();
  }

  counted& operator=(const counted& other) {
    check();
    other.check();
    value = other.value;
    return *this;
  }

  counted& operator=(counted&& other) noexcept {
    check();
    other.check();
    value = other.value;
    return *this;
  }

  ~counted() {
    std::unique_lock guard{mutex()};
    if (objects().erase(this) == 0)
      ++mistakes_made();
  }

  /// Counts a mistake if this object does not exist.
  void check() const noexcept {
    std::unique_lock guard{mutex()};
    if (objects().count(this) == 0)
      ++mistakes_made();
  }

  /// How many exist.
  static std::size_t alive() {
    std::unique_lock guard{mutex()};
    return objects().size();
  }

  /// How often one was used that does not exist.
  static int mistakes() {
    std::unique_lock guard{mutex()};
    return mistakes_made();
  }

  /// Forgets everything.
  static void reset() {
    std::unique_lock guard{mutex()};
    objects().clear();
    mistakes_made() = 0;
  }

  int value;

private:
  void enter() {
    std::unique_lock guard{mutex()};
    if (!objects().insert(this).second)
      ++mistakes_made();
  }

  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }

  static std::set<const counted*>& objects() {
    static std::set<const counted*> instance;
    return instance;
  }

  static int& mistakes_made() {
    static int instance = 0;
    return instance;
  }
};

} // namespace troupe::testing
