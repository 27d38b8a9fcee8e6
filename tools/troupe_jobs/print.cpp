// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "print.hpp"

#include "rules/printable.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include <time.h>

namespace troupe_jobs {

namespace {

using troupe::durable::job_place;
using troupe::rules::printable;

const char* to_text(job_place x) {
  switch (x) {
    case job_place::waiting:
      return "waiting";
    case job_place::running:
      return "running";
    case job_place::buried:
      return "buried";
    case job_place::done:
      return "done";
  }
  return "unknown";
}

/// Columns as wide as what is in them; the last one has no end.
std::string table(std::vector<std::vector<std::string>> rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = row[i].empty() ? "-" : printable(row[i]);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string result;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      result += row[i] + std::string(widths[i] + 2 - row[i].size(), ' ');
    result += row.back() + '\n';
  }
  return result;
}

/// A length of time for people: its largest unit.
std::string to_text(timespan x) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(x).count();
  if (x <= timespan::zero())
    return {};
  if (seconds < 60)
    return std::to_string(seconds) + " s";
  if (seconds < 3600)
    return std::to_string(seconds / 60) + " min";
  if (seconds < 86400)
    return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

/// JSON with bytes that are no UTF-8 as escapes.
nlohmann::json text(const std::string& x) {
  return troupe::rules::as_utf8(x);
}

/// The payload, as JSON if it is some.
nlohmann::json payload_of(const job_record& x) {
  auto result = nlohmann::json::parse(x.payload, nullptr, false);
  return result.is_discarded() ? text(x.payload) : result;
}

} // namespace

std::string to_text(wall_time x) {
  const auto count = static_cast<std::time_t>(
    std::chrono::floor<std::chrono::seconds>(x).time_since_epoch().count());
  tm parts{};
  ::gmtime_r(&count, &parts);
  std::array<char, 80> result{};
  std::strftime(result.data(), result.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return result.data();
}

std::string to_text(const std::vector<queue_row>& xs) {
  std::vector<std::vector<std::string>> rows{{"QUEUE", "WAITING", "RUNNING",
                                              "BURIED", "DONE", "PURGED", "PUT",
                                              "OLDEST"}};
  for (const auto& x : xs)
    rows.push_back(
      {x.name, std::to_string(x.totals.waiting),
       std::to_string(x.totals.running), std::to_string(x.totals.buried),
       std::to_string(x.totals.done), std::to_string(x.totals.purged),
       std::to_string(x.totals.put), to_text(x.oldest)});
  return table(std::move(rows));
}

std::string to_text(const std::vector<job_record>& xs) {
  std::vector<std::vector<std::string>> rows{
    {"ID", "QUEUE", "STATE", "TYPE", "RUN AT", "FAILURES", "CRASHES", "ERROR"}};
  for (const auto& x : xs)
    rows.push_back({std::to_string(x.id), x.queue, to_text(x.place), x.type,
                    to_text(x.run_at), std::to_string(x.failures),
                    std::to_string(x.crashes), x.error});
  return table(std::move(rows));
}

std::string details(const job_record& x) {
  const std::vector<std::pair<const char*, std::string>> lines{
    {"id", std::to_string(x.id)},
    {"queue", x.queue},
    {"state", to_text(x.place)},
    {"type", x.type},
    {"put at", to_text(x.put_at)},
    {"run at", to_text(x.run_at)},
    {"priority", std::to_string(x.priority)},
    {"unique", x.unique},
    {"claims", std::to_string(x.claim)},
    {"failures", std::to_string(x.failures)},
    {"crashes", std::to_string(x.crashes)},
    {"error", x.error},
    {"payload", x.payload}};
  std::string result;
  for (const auto& [name, value] : lines)
    if (!value.empty())
      result += name + std::string(10 - std::string{name}.size(), ' ')
                + printable(value) + '\n';
  return result;
}

nlohmann::json to_json(const queue_row& x) {
  return {{"queue", text(x.name)},
          {"waiting", x.totals.waiting},
          {"running", x.totals.running},
          {"buried", x.totals.buried},
          {"done", x.totals.done},
          {"purged", x.totals.purged},
          {"put", x.totals.put},
          {"oldest", std::chrono::duration<double>(x.oldest).count()}};
}

nlohmann::json to_json(const job_record& x) {
  return {{"id", x.id},
          {"queue", text(x.queue)},
          {"state", to_text(x.place)},
          {"type", text(x.type)},
          {"put_at", to_text(x.put_at)},
          {"run_at", to_text(x.run_at)},
          {"priority", x.priority},
          {"unique", text(x.unique)},
          {"claims", x.claim},
          {"failures", x.failures},
          {"crashes", x.crashes},
          {"error", text(x.error)},
          {"payload", payload_of(x)}};
}

} // namespace troupe_jobs
