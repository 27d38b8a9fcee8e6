// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "report.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string_view>
#include <utility>

namespace troupe::bench {

namespace {

constexpr const char* table_format = "%-52s %12s %12s %-12s %9s  %-17s %s\n";

/// Four digits that count: "0.01234", "12.35", "1234568".
std::string rounded(double x) {
  const auto digits
    = x == 0 || !std::isfinite(x)
        ? 0
        : 3 - static_cast<int>(std::floor(std::log10(std::fabs(x))));
  char buf[64];
  std::snprintf(buf, sizeof(buf), "%.*f", std::clamp(digits, 0, 9), x);
  return buf;
}

std::string to_text(const target& x) {
  std::string result = x.what == target::of::ratio ? "ratio " : "value ";
  result += x.which == target::kind::at_most ? "<= " : ">= ";
  return result + rounded(x.limit);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const auto c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '"';
}

std::string as_json(const row& x) {
  const auto ratio = x.ratio();
  const auto met = x.met();
  std::string result = "{\"row\": " + quoted(x.name);
  result += ", \"unit\": " + quoted(x.unit);
  result += ", \"troupe\": " + json_number(x.troupe);
  result += ", \"peer\": " + (x.peer ? json_number(x.peer->value) : "null");
  result += ", \"peer_name\": "
            + (x.peer                    ? quoted(x.peer->name)
               : !x.missing_peer.empty() ? quoted(x.missing_peer)
                                         : "null");
  result += ", \"ratio\": " + (ratio ? json_number(*ratio) : "null");
  result += ", \"target\": " + (x.target ? quoted(to_text(*x.target)) : "null");
  result += ", \"met\": ";
  result += !met ? "null" : *met ? "true" : "false";
  return result + "}\n";
}

std::string as_line(const row& x) {
  const auto ratio = x.ratio();
  const auto met = x.met();
  const auto troupe = rounded(x.troupe);
  const auto peer = x.peer ? rounded(x.peer->value) : "";
  char buf[512];
  std::snprintf(buf, sizeof(buf), table_format, x.name.c_str(), troupe.c_str(),
                peer.c_str(), x.unit.c_str(),
                ratio ? rounded(*ratio).c_str() : "",
                x.target ? to_text(*x.target).c_str() : "",
                !met   ? ""
                : *met ? "met"
                       : "MISSED");
  std::string result = buf;
  if (x.peer)
    result += "    beside: " + x.peer->name + "\n";
  else if (!x.missing_peer.empty())
    result += "    " + x.missing_peer + "\n";
  return result;
}

std::string heading() {
  char buf[512];
  std::snprintf(buf, sizeof(buf), table_format, "what", "troupe", "peer",
                "unit", "ratio", "target", "");
  return buf;
}

} // namespace

std::optional<double> row::ratio() const {
  if (!peer)
    return std::nullopt;
  return troupe / peer->value;
}

std::optional<bool> row::met() const {
  if (!target)
    return std::nullopt;
  const auto measured
    = target->what == target::of::value ? std::optional{troupe} : ratio();
  if (!measured)
    return false;
  return target->which == target::kind::at_most ? *measured <= target->limit
                                                : *measured >= target->limit;
}

report::report(std::ostream& out, std::ostream* json) : out_(out), json_(json) {
  // nop
}

void report::add(const row& what) {
  all_met_ = all_met_ && what.met().value_or(true);
  if (json_ != nullptr)
    *json_ << as_json(what) << std::flush;
  if (empty_)
    out_ << heading();
  empty_ = false;
  out_ << as_line(what) << std::flush;
}

std::string json_number(double x) {
  return std::isfinite(x) ? rounded(x) : "null";
}

double percentile(std::vector<double> values, double share) {
  assert(!values.empty());
  const auto last = static_cast<double>(values.size() - 1);
  const auto pos = values.begin()
                   + static_cast<std::ptrdiff_t>(std::llround(last * share));
  std::nth_element(values.begin(), pos, values.end());
  return *pos;
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

std::string grouped(std::size_t number) {
  auto result = std::to_string(number);
  for (auto i = result.size(); i > 3;) {
    i -= 3;
    result.insert(i, ",");
  }
  return result;
}

} // namespace troupe::bench
