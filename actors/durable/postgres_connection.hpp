// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"

#include <libpq-fe.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace troupe::durable {

/// An option of a connection; empty if it has none of that name.
[[nodiscard]] std::string value_of(const PQconninfoOption* all,
                                   std::string_view key);

/// PostgreSQL could not do what it was asked.
class postgres_error : public engine_error {
public:
  /// @param state The SQLSTATE; empty: the connection is gone.
  postgres_error(const std::string& text, std::string state)
    : engine_error(text), state_(std::move(state)) {
    // nop
  }

  [[nodiscard]] const std::string& state() const noexcept {
    return state_;
  }

  /// The SQLSTATE if the server has not answered in time.
  static constexpr const char* late = "08006";

  /// Whether the connection is of no use any more.
  [[nodiscard]] bool is_lost() const noexcept;

  /// Whether it took too long: the server is slow, or somebody has the lock.
  [[nodiscard]] bool is_late() const noexcept;

  /// Whether this change alone is to blame.
  [[nodiscard]] bool is_refusal() const noexcept;

private:
  std::string state_;
};

/// The rows that a statement has answered.
class postgres_rows {
public:
  explicit postgres_rows(PGresult* x) noexcept : what_(x, PQclear) {
    // nop
  }

  [[nodiscard]] int size() const noexcept {
    return PQntuples(what_.get());
  }

  /// Why it has failed; empty: it has not.
  [[nodiscard]] std::string error() const;

  /// How many rows the statement has changed.
  [[nodiscard]] int changed() const;

  [[nodiscard]] bool is_null(int row, int column) const noexcept {
    return PQgetisnull(what_.get(), row, column) != 0;
  }

  [[nodiscard]] std::string text(int row, int column) const {
    return {PQgetvalue(what_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(what_.get(), row, column))};
  }

  [[nodiscard]] std::int64_t integer(int row, int column) const;

  [[nodiscard]] bool flag(int row, int column) const noexcept {
    return *PQgetvalue(what_.get(), row, column) == 't';
  }

private:
  std::unique_ptr<PGresult, decltype(&PQclear)> what_;
};

/// The text of a parameter; none: NULL.
using postgres_value = std::optional<std::string>;

inline postgres_value to_value(const std::string& x) {
  return x;
}

inline postgres_value to_value(const postgres_value& x) {
  return x;
}

template <std::integral T>
postgres_value to_value(T x) {
  return std::to_string(x);
}

/// The elements of a parameter that is an array.
class postgres_array {
public:
  void add(const postgres_value& x);

  template <std::integral T>
  void add(T x) {
    add(to_value(x));
  }

  void add(const std::string& x) {
    add(to_value(x));
  }

private:
  friend postgres_value to_value(const postgres_array& x);

  std::string text_;
};

postgres_value to_value(const postgres_array& x);

/// A connection, as one thread uses it. No call takes longer than some seconds:
/// if the server does not answer by then, the connection counts as lost.
class postgres_connection {
public:
  /// Connects.
  /// @param name What errors call it.
  /// @throws postgres_error
  postgres_connection(const std::string& url, std::string name);

  /// Runs a statement that is prepared once.
  /// @param sql A literal.
  template <class... Ts>
  postgres_rows run(const char* sql, const Ts&... xs) {
    return run_with(sql, {to_value(xs)...});
  }

  /// Runs statements one after another, until one fails.
  /// @returns the tags of those that have ended, such as "COMMIT".
  std::vector<std::string> script(const std::string& sql);

  /// Forgets what somebody else has told.
  /// @throws postgres_error if the connection is gone.
  void take_news();

  /// Whether somebody else has told something, which has been read.
  [[nodiscard]] bool has_news() const noexcept {
    return news_;
  }

  [[nodiscard]] int file() const noexcept {
    return PQsocket(what_.get());
  }

  [[nodiscard]] int server_version() const noexcept {
    return PQserverVersion(what_.get());
  }

  [[nodiscard]] bool is_in_transaction() const noexcept {
    return PQtransactionStatus(what_.get()) != PQTRANS_IDLE;
  }

private:
  postgres_rows run_with(const char* sql,
                         const std::vector<postgres_value>& values);

  void connect();

  /// Sends all that is to be sent, and waits for the next answer.
  /// @returns none if there is no more.
  std::unique_ptr<PGresult, decltype(&PQclear)> next_answer();

  /// Waits for the answers to one request.
  /// @throws postgres_error if one of them is an error.
  std::vector<std::unique_ptr<PGresult, decltype(&PQclear)>> answers();

  void collect_news();

  void wait_for(bool readable, bool writable, time_point until);

  [[noreturn]] void fail_lost(const std::string& why) const;

  std::string name_;
  std::unique_ptr<PGconn, decltype(&PQfinish)> what_{nullptr, PQfinish};
  std::unordered_set<const char*> prepared_;
  time_point until_ = never; // for the request under way
  bool news_ = false;
};

/// A text of libpq's in one line.
[[nodiscard]] std::string in_one_line(const char* text);

} // namespace troupe::durable
