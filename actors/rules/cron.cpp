// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/cron.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

namespace troupe::rules {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar",
                                                       "apr", "may", "jun",
                                                       "jul", "aug", "sep",
                                                       "oct", "nov", "dec"};

constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue",
                                                        "wed", "thu", "fri",
                                                        "sat"};

/// The range of the numbers of a field, and its name in the text of an error.
struct cron_field {
  std::string_view name;
  unsigned first;
  unsigned last;
  std::span<const std::string_view> names = {};
};

constexpr std::array<cron_field, 5> cron_layout{{
  {"minute", 0, 59},
  {"hour", 0, 23},
  {"day of the month", 1, 31},
  {"month", 1, 12, month_names},
  {"day of the week", 0, 7, weekday_names}, // 7 is Sunday, too
}};

constexpr std::string_view blanks = " \t";

/// Reads one line; the text of an error quotes it.
class cron_reader {
public:
  explicit cron_reader(std::string_view line) : line_(line), rest_(line) {
    // nop
  }

  /// The text of the next field.
  std::string_view next() {
    rest_.remove_prefix(
      std::min(rest_.find_first_not_of(blanks), rest_.size()));
    const auto result = rest_.substr(0, rest_.find_first_of(blanks));
    rest_.remove_prefix(result.size());
    return result;
  }

  std::uint64_t read_set(std::string_view text, const cron_field& field) {
    std::uint64_t result = 0;
    for (;;) {
      const auto comma = text.find(',');
      result |= read_item(text.substr(0, comma), field);
      if (comma == std::string_view::npos)
        return result;
      text.remove_prefix(comma + 1);
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw std::invalid_argument("cron \"" + std::string{line_} + "\": " + what);
  }

private:
  /// `*`, a number, or a range; the first and last with a step.
  std::uint64_t read_item(std::string_view text, const cron_field& field) {
    const auto slash = text.find('/');
    const auto range = text.substr(0, slash);
    auto first = field.first;
    auto last = field.last;
    const auto dash = range.find('-');
    if (range != "*") {
      first = read_value(range.substr(0, dash), field);
      last = dash == std::string_view::npos
               ? first
               : read_value(range.substr(dash + 1), field);
    }
    if (first > last)
      refuse(in(field) + "the range " + quoted(range) + " runs backwards");
    unsigned step = 1;
    if (slash != std::string_view::npos) {
      if (range != "*" && dash == std::string_view::npos)
        refuse(in(field) + "a step goes with a range, or with *, and not with "
               + quoted(range));
      const auto given = text.substr(slash + 1);
      const auto read = read_number(given);
      if (!read || *read == 0)
        refuse(in(field) + "the step " + quoted(given)
               + " is no number of at least 1");
      step = *read;
    }
    std::uint64_t result = 0;
    for (auto i = first; i <= last; i += step)
      result |= std::uint64_t{1} << i;
    return result;
  }

  unsigned read_value(std::string_view text, const cron_field& field) {
    std::string lower{text};
    for (auto& c : lower)
      if (c >= 'A' && c <= 'Z')
        c = static_cast<char>(c - 'A' + 'a');
    const auto name = std::ranges::find(field.names, lower);
    if (name != field.names.end())
      return static_cast<unsigned>(name - field.names.begin()) + field.first;
    const auto result = read_number(text);
    if (!result || *result < field.first || *result > field.last)
      refuse(in(field) + quoted(text) + " is no number from "
             + std::to_string(field.first) + " to "
             + std::to_string(field.last));
    return *result;
  }

  static std::optional<unsigned> read_number(std::string_view text) {
    unsigned result = 0;
    const auto [stop, err] = std::from_chars(text.data(),
                                             text.data() + text.size(), result);
    if (err != std::errc{} || stop != text.data() + text.size()
        || result > 1000)
      return {};
    return result;
  }

  static std::string in(const cron_field& field) {
    return std::string{field.name} + ": ";
  }

  static std::string quoted(std::string_view text) {
    return '"' + std::string{text} + '"';
  }

  std::string_view line_;
  std::string_view rest_;
};

bool has(std::uint64_t set, unsigned i) {
  return (set >> i & 1u) != 0;
}

bool has_day(const cron_fields& x, std::chrono::local_days day) {
  const std::chrono::year_month_day date{day};
  if (!has(x.months, unsigned{date.month()}))
    return false;
  const auto by_date = has(x.days, unsigned{date.day()});
  const auto by_weekday = has(x.weekdays,
                              std::chrono::weekday{day}.c_encoding());
  return x.both_days ? by_date && by_weekday : by_date || by_weekday;
}

/// Whether the date exists in some year.
bool has_some_date(const cron_fields& x) {
  constexpr std::array<unsigned, 13> longest{0,  31, 29, 31, 30, 31, 30,
                                             31, 31, 30, 31, 30, 31};
  for (unsigned month = 1; month <= 12; ++month)
    for (unsigned day = 1; day <= longest[month]; ++day)
      if (has(x.months, month) && has(x.days, day))
        return true;
  return false;
}

} // namespace

cron_fields parse_cron(std::string_view line) {
  cron_reader reader{line};
  std::array<std::string_view, cron_layout.size()> texts;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = reader.next();
    if (texts[i].empty())
      reader.refuse("it has " + std::to_string(i)
                    + " of five fields: minute, hour, day of the month, month, "
                      "day of the week");
  }
  if (!reader.next().empty())
    reader.refuse("it has more than five fields: minute, hour, day of the "
                  "month, month, day of the week");
  cron_fields result;
  std::array<std::uint64_t*, texts.size()> sets{&result.minutes, &result.hours,
                                                &result.days, &result.months,
                                                &result.weekdays};
  for (std::size_t i = 0; i < texts.size(); ++i)
    *sets[i] = reader.read_set(texts[i], cron_layout[i]);
  if (has(result.weekdays, 7))
    result.weekdays = (result.weekdays | 1u) & 0x7fu;
  result.repeats = texts[0].starts_with('*') || texts[1].starts_with('*');
  result.both_days = texts[2].starts_with('*') || texts[4].starts_with('*');
  if (result.both_days && !has_some_date(result))
    reader.refuse("no month that it names has such a day; change the day of "
                  "the month, or the month");
  return result;
}

std::optional<std::chrono::local_seconds>
find_minute(const cron_fields& x, std::chrono::local_seconds from,
            std::chrono::local_seconds until) {
  const auto start = std::chrono::ceil<std::chrono::minutes>(from);
  auto day = std::chrono::floor<std::chrono::days>(start);
  auto earliest = (start - day) / 1min; // of the first day
  for (; day < until; day += std::chrono::days{1}, earliest = 0) {
    if (!has_day(x, day))
      continue;
    for (auto hour = earliest / 60; hour < 24; ++hour) {
      if (!has(x.hours, static_cast<unsigned>(hour)))
        continue;
      const auto passed = hour == earliest / 60 ? earliest % 60 : 0;
      const auto left = x.minutes >> passed << passed;
      if (left == 0)
        continue;
      const std::chrono::local_seconds result
        = day + std::chrono::hours{hour}
          + std::chrono::minutes{std::countr_zero(left)};
      if (result >= until)
        return {};
      return result;
    }
  }
  return {};
}

} // namespace troupe::rules
