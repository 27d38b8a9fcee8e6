// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/postgres_connection.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <poll.h>

namespace troupe::durable {

namespace {

using namespace std::chrono_literals;

/// How long a connection may take, unless the address has a `connect_timeout`.
constexpr timespan connect_period = 5s;

/// How long the server may take to answer. It gives up itself before that, see
/// `statement_timeout`.
constexpr timespan answer_period = 10s;

time_point postgres_deadline(timespan delay) {
  return deadline_after(time_point{std::chrono::steady_clock::now()}, delay);
}

/// libpq minds `connect_timeout`, in seconds, only where it waits itself.
timespan connect_period_of(PGconn* what) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all{
    PQconninfo(what), PQconninfoFree};
  const auto length = std::atoi(value_of(all.get(), "connect_timeout").c_str());
  return length > 0 ? timespan{std::chrono::seconds{length}} : connect_period;
}

} // namespace

std::string value_of(const PQconninfoOption* all, std::string_view key) {
  for (const auto* x = all; x != nullptr && x->keyword != nullptr; ++x)
    if (x->keyword == key && x->val != nullptr)
      return x->val;
  return {};
}

// -- errors ----------------------------------------------------------------------

bool postgres_error::is_lost() const noexcept {
  // Connections, a server that shuts down or has become a standby.
  return state_.empty() || state_.starts_with("08") || state_.starts_with("57P")
         || state_ == "25006" || state_ == "25P03";
}

bool postgres_error::is_late() const noexcept {
  // No answer, a lock that was not to be had, a statement that took too long.
  return state_ == late || state_ == "55P03" || state_ == "57014";
}

bool postgres_error::is_refusal() const noexcept {
  // Data, constraints, limits, and what a trigger of the user's throws.
  return state_.starts_with("22") || state_.starts_with("23")
         || state_.starts_with("54") || state_.starts_with("P0");
}

std::string in_one_line(const char* text) {
  std::string result;
  for (const char c : std::string_view{text}) {
    if (c != '\n' && c != '\t')
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  while (!result.empty() && result.back() == ' ')
    result.pop_back();
  return result;
}

// -- values ----------------------------------------------------------------------

std::string postgres_rows::error() const {
  const auto status = PQresultStatus(what_.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
    return {};
  const auto text = in_one_line(PQresultErrorMessage(what_.get()));
  return text.empty() ? "the connection is gone" : text;
}

int postgres_rows::changed() const {
  const std::string_view text{PQcmdTuples(what_.get())};
  auto result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::int64_t postgres_rows::integer(int row, int column) const {
  const auto all = text(row, column);
  std::int64_t result = 0;
  std::from_chars(all.data(), all.data() + all.size(), result);
  return result;
}

void postgres_array::add(const postgres_value& x) {
  text_ += text_.empty() ? '{' : ',';
  if (!x) {
    text_ += "NULL";
    return;
  }
  text_ += '"';
  for (const char c : *x) {
    if (c == '"' || c == '\\')
      text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

postgres_value to_value(const postgres_array& x) {
  return x.text_.empty() ? "{}" : x.text_ + '}';
}

// -- the connection ----------------------------------------------------------------

postgres_connection::postgres_connection(const std::string& url,
                                         std::string name)
  : name_(std::move(name)) {
  // Those after `dbname`, which is the URL, count more than what it says.
  const std::array keys{"fallback_application_name",
                        "keepalives_idle",
                        "keepalives_interval",
                        "keepalives_count",
                        "tcp_user_timeout",
                        "target_session_attrs",
                        "dbname",
                        "client_encoding",
                        static_cast<const char*>(nullptr)};
  const std::array values{
    "troupe",    "10",    "5",
    "3",         "10000", "read-write",
    url.c_str(), "UTF8",  static_cast<const char*>(nullptr)};
  what_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
  if (!what_)
    fail_lost("there is no memory for a connection");
  connect();
  PQsetnonblocking(what_.get(), 1);
  // Else they go to the standard error.
  PQsetNoticeProcessor(what_.get(), [](void*, const char*) {}, nullptr);
}

void postgres_connection::connect() {
  const auto until = postgres_deadline(connect_period_of(what_.get()));
  auto next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED || PQstatus(what_.get()) == CONNECTION_BAD)
      fail_lost(in_one_line(PQerrorMessage(what_.get())));
    wait_for(next == PGRES_POLLING_READING, next == PGRES_POLLING_WRITING,
             until);
    next = PQconnectPoll(what_.get());
  }
}

void postgres_connection::wait_for(bool readable, bool writable,
                                   time_point until) {
  const auto now = time_point{std::chrono::steady_clock::now()};
  if (now >= until)
    throw postgres_error{name_ + ": the server does not answer",
                         postgres_error::late};
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - now);
  pollfd file{
    PQsocket(what_.get()),
    static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)), 0};
  ::poll(&file, 1, static_cast<int>(rest.count()));
}

std::unique_ptr<PGresult, decltype(&PQclear)>
postgres_connection::next_answer() {
  auto* x = what_.get();
  while (true) {
    const auto flushed = PQflush(x);
    if (flushed < 0)
      fail_lost(in_one_line(PQerrorMessage(x)));
    if (flushed == 0 && PQisBusy(x) == 0)
      return {PQgetResult(x), PQclear};
    wait_for(true, flushed > 0, until_);
    if (PQconsumeInput(x) == 0)
      fail_lost(in_one_line(PQerrorMessage(x)));
  }
}

std::vector<std::unique_ptr<PGresult, decltype(&PQclear)>>
postgres_connection::answers() {
  std::vector<std::unique_ptr<PGresult, decltype(&PQclear)>> result;
  std::optional<postgres_error> wrong;
  while (auto x = next_answer()) {
    const auto status = PQresultStatus(x.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
        || status == PGRES_EMPTY_QUERY) {
      result.push_back(std::move(x));
      continue;
    }
    const auto* state = PQresultErrorField(x.get(), PG_DIAG_SQLSTATE);
    if (!wrong)
      wrong.emplace(name_ + ": " + in_one_line(PQresultErrorMessage(x.get())),
                    state != nullptr ? state : "");
  }
  // They come beside answers too.
  collect_news();
  if (wrong)
    throw postgres_error{*wrong};
  return result;
}

postgres_rows
postgres_connection::run_with(const char* sql,
                              const std::vector<postgres_value>& values) {
  auto* x = what_.get();
  until_ = postgres_deadline(answer_period);
  // A literal has its place for a name.
  const auto name = "troupe_"
                    + std::to_string(reinterpret_cast<std::uintptr_t>(sql));
  if (!prepared_.contains(sql)) {
    if (PQsendPrepare(x, name.c_str(), sql, 0, nullptr) == 0)
      fail_lost(in_one_line(PQerrorMessage(x)));
    answers();
    prepared_.insert(sql);
  }
  std::vector<const char*> texts;
  texts.reserve(values.size());
  for (const auto& value : values)
    texts.push_back(value ? value->c_str() : nullptr);
  if (PQsendQueryPrepared(x, name.c_str(), static_cast<int>(texts.size()),
                          texts.data(), nullptr, nullptr, 0)
      == 0)
    fail_lost(in_one_line(PQerrorMessage(x)));
  auto all = answers();
  if (all.empty())
    fail_lost("the server has given no answer");
  return postgres_rows{all.back().release()};
}

std::vector<std::string> postgres_connection::script(const std::string& sql) {
  until_ = postgres_deadline(answer_period);
  if (PQsendQuery(what_.get(), sql.c_str()) == 0)
    fail_lost(in_one_line(PQerrorMessage(what_.get())));
  std::vector<std::string> result;
  for (const auto& x : answers())
    result.emplace_back(PQcmdStatus(x.get()));
  return result;
}

void postgres_connection::take_news() {
  if (PQconsumeInput(what_.get()) == 0)
    fail_lost(in_one_line(PQerrorMessage(what_.get())));
  collect_news();
  news_ = false;
}

void postgres_connection::collect_news() {
  auto* x = what_.get();
  while (auto* told = PQnotifies(x)) {
    news_ = news_ || told->be_pid != PQbackendPID(x);
    PQfreemem(told);
  }
}

void postgres_connection::fail_lost(const std::string& why) const {
  throw postgres_error{name_ + ": " + why, ""};
}

} // namespace troupe::durable
