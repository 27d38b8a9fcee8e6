// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/exposition.hpp"

#include "rules/printable.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

namespace troupe::observing {

namespace {

constexpr std::string_view histogram = "histogram";

/// A name with nothing in it but letters, digits and underscores.
std::string plain_name(std::string_view text) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string result;
  if (text.empty() || is_digit(text[0]))
    result += '_';
  for (auto c : text)
    result += is_letter(c) || is_digit(c) ? c : '_';
  return result;
}

std::string name_of(const caf::telemetry::metric_family& x) {
  auto result = plain_name(x.prefix() + '_' + x.name());
  if (!x.unit().empty() && x.unit() != "1")
    result += '_' + plain_name(x.unit());
  return result;
}

/// No two labels have one name, and none has a name that means something to
/// Prometheus: it would not take the whole text.
/// @param is_histogram Whether the label of a bucket is taken.
/// @param upto The bound of a bucket, or empty.
std::string labels_of(const caf::telemetry::metric& x, bool is_histogram,
                      const std::string& upto = {}) {
  std::set<std::string> taken{"__name__"};
  if (is_histogram)
    taken.insert("le");
  std::string result;
  auto add = [&result](const std::string& name, std::string_view value) {
    result += result.empty() ? '{' : ',';
    result += name + "=\"" + escaped(value, true) + '"';
  };
  for (const auto& label : x.labels()) {
    auto name = plain_name({label.name().data(), label.name().size()});
    // As Prometheus itself renames labels that it has another use for.
    while (!taken.insert(name).second)
      name.insert(0, "exported_");
    add(name, {label.value().data(), label.value().size()});
  }
  if (!upto.empty())
    add("le", upto);
  return result.empty() ? result : result + '}';
}

void add_line(std::string& to, const std::string& name,
              const std::string& labels, const std::string& value) {
  to.append(name).append(labels).append(1, ' ').append(value).append(1, '\n');
}

} // namespace

std::string escaped(std::string_view text, bool is_label) {
  std::string result;
  while (!text.empty()) {
    const auto next = rules::first_of(text);
    if (next.length == 0)
      result += "\xef\xbf\xbd"; // in place of what is no UTF-8
    else if (text[0] == '\\')
      result += "\\\\";
    else if (text[0] == '\n')
      result += "\\n";
    else if (text[0] == '"' && is_label)
      result += "\\\"";
    else
      result += text.substr(0, next.length);
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return result;
}

std::string exposition::to_text(std::int64_t x) {
  return std::to_string(x);
}

std::string exposition::to_text(double x) {
  if (std::isnan(x))
    return "NaN";
  if (std::isinf(x))
    return x > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer{};
  const auto [end, err] = std::to_chars(buffer.begin(), buffer.end(), x);
  static_cast<void>(err);
  return {buffer.begin(), end};
}

/// A histogram is written as metrics of these further names.
bool exposition::clashes(const std::string& name, std::string_view type) const {
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (type == histogram && sections_.contains(name + std::string{suffix}))
      return true;
    if (!name.ends_with(suffix))
      continue;
    const auto at = sections_.find(name.substr(0, name.size() - suffix.size()));
    if (at != sections_.end() && at->second.type == histogram)
      return true;
  }
  return false;
}

std::string* exposition::section_of(const std::string& name, const family& of,
                                    std::string_view type) {
  if (clashes(name, type))
    return nullptr;
  const auto [at, is_new] = sections_.try_emplace(name, section{type, {}});
  auto& result = at->second;
  if (is_new) {
    if (!of.helptext().empty())
      result.text += "# HELP " + name + ' ' + escaped(of.helptext(), false)
                     + '\n';
    result.text.append("# TYPE ").append(name).append(1, ' ');
    result.text.append(type).append(1, '\n');
  }
  return result.type == type ? &result.text : nullptr;
}

void exposition::add(const family& of, const metric& who, std::string_view type,
                     const std::string& value) {
  auto name = name_of(of);
  // CAF has gauges that are sums, whose names Prometheus finds fault with.
  if (of.is_sum() && type == "counter")
    name += "_total";
  if (auto* to = section_of(name, of, type))
    add_line(*to, name, labels_of(who, false), value);
}

template <class Histogram>
void exposition::add_histogram(const family& of, const metric& who,
                               const Histogram& x) {
  const auto name = name_of(of);
  auto* to = section_of(name, of, histogram);
  if (to == nullptr)
    return;
  std::int64_t count = 0;
  const auto buckets = x.buckets();
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    count += buckets[i].count.value();
    // The last one holds all that is larger, whatever its bound says.
    add_line(*to, name + "_bucket",
             labels_of(who, true,
                       i + 1 == buckets.size()
                         ? "+Inf"
                         : to_text(buckets[i].upper_bound)),
             to_text(count));
  }
  add_line(*to, name + "_sum", labels_of(who, true), to_text(x.sum()));
  add_line(*to, name + "_count", labels_of(who, true), to_text(count));
}

template void exposition::add_histogram(const family&, const metric&,
                                        const caf::telemetry::int_histogram&);

template void exposition::add_histogram(const family&, const metric&,
                                        const caf::telemetry::dbl_histogram&);

std::string exposition::text() const {
  std::string result;
  for (const auto& [name, x] : sections_)
    result += x.text;
  return result;
}

} // namespace troupe::observing
