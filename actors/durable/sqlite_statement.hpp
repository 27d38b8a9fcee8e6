// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/sqlite_engine.hpp"

#include <SQLiteCpp/Exception.h>

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace troupe::durable {

/// A prepared statement while it is in use. It is reset at the end, for one
/// that is not holds a lock, and keeps SQLite from shortening its log.
class sqlite_engine::running_statement {
public:
  explicit running_statement(SQLite::Statement& x) : what_(&x) {
    what_->tryReset();
    what_->clearBindings();
  }

  running_statement(running_statement&& other) noexcept
    : what_(std::exchange(other.what_, nullptr)) {
    // nop
  }

  running_statement& operator=(running_statement&&) = delete;

  ~running_statement() {
    if (what_ != nullptr)
      what_->tryReset();
  }

  /// Binds the parameters from the first one on; an empty optional is NULL.
  template <class... Ts>
  running_statement with(const Ts&... xs) && {
    auto i = 0;
    (bind(++i, xs), ...);
    return std::move(*this);
  }

  /// Runs it.
  /// @returns how many rows it has changed.
  int change() {
    return what_->exec();
  }

  /// Goes to the next row of the result.
  bool next() {
    return what_->executeStep();
  }

  [[nodiscard]] std::int64_t integer(int column) const {
    return what_->getColumn(column).getInt64();
  }

  [[nodiscard]] std::string text(int column) const {
    return what_->getColumn(column).getString();
  }

  [[nodiscard]] bool is_null(int column) const {
    return what_->getColumn(column).isNull();
  }

private:
  template <class T>
  void bind(int i, const T& x) {
    what_->bind(i, x);
  }

  template <class T>
  void bind(int i, const std::optional<T>& x) {
    if (x)
      what_->bind(i, *x);
    else
      what_->bind(i);
  }

  SQLite::Statement* what_;
};

template <class F>
auto sqlite_engine::guarded(F f) const {
  try {
    return f();
  } catch (const SQLite::Exception& e) {
    throw engine_error{name_ + ": " + e.what()};
  } catch (const std::system_error& e) {
    throw engine_error{name_ + ": " + e.what()};
  }
}

} // namespace troupe::durable
