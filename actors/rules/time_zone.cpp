// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/time_zone.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe::rules {

using namespace std::chrono;

// -- a description of POSIX -----------------------------------------------------

/// Reads `std offset [dst [offset] , begin [/time] , end [/time]]`, where an
/// offset is how far the clocks are behind UTC.
class time_zone::posix_reader {
public:
  explicit posix_reader(std::string_view text) : all_(text), rest_(text) {
    // nop
  }

  time_zone read() {
    time_zone result;
    skip_name();
    result.standard_ = result.first_ = -read_time();
    if (rest_.empty())
      return result;
    skip_name();
    summer x{result.standard_ + hours{1}, {}, {}};
    if (!rest_.starts_with(','))
      x.offset = -read_time();
    expect(',');
    x.begin = read_rule();
    expect(',');
    x.end = read_rule();
    if (!rest_.empty())
      refuse();
    result.summer_ = x;
    return result;
  }

private:
  [[noreturn]] void refuse() const {
    throw std::invalid_argument(
      "\"" + std::string{all_}
      + "\" is no time zone as POSIX writes them: CET-1CEST,M3.5.0,M10.5.0/3");
  }

  bool take(char c) {
    if (!rest_.starts_with(c))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c))
      refuse();
  }

  /// At least three letters, or anything in angle brackets.
  void skip_name() {
    auto is_letter = [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    if (take('<')) {
      rest_.remove_prefix(std::min(rest_.find('>'), rest_.size()));
      expect('>');
      return;
    }
    const auto end = std::ranges::find_if_not(rest_, is_letter);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    if (size < 3)
      refuse();
    rest_.remove_prefix(size);
  }

  int read_number(int first, int last) {
    int result = 0;
    auto digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++digits) {
      result = 10 * result + (rest_[0] - '0');
      rest_.remove_prefix(1);
      if (result > last)
        refuse();
    }
    if (digits == 0 || result < first)
      refuse();
    return result;
  }

  /// `[+-]hours[:minutes[:seconds]]`; a file may have up to a week.
  seconds read_time() {
    const auto negative = take('-');
    if (!negative)
      take('+');
    seconds result = hours{read_number(0, 167)};
    if (take(':'))
      result += minutes{read_number(0, 59)};
    if (take(':'))
      result += seconds{read_number(0, 59)};
    return negative ? -result : result;
  }

  day_rule read_rule() {
    day_rule result;
    if (take('M')) {
      result.how = day_rule::kind::weekday;
      result.month = read_number(1, 12);
      expect('.');
      result.week = read_number(1, 5);
      expect('.');
      result.day = read_number(0, 6);
    } else if (take('J')) {
      result.how = day_rule::kind::without_leaps;
      result.day = read_number(1, 365);
    } else {
      result.day = read_number(0, 365);
    }
    result.time = take('/') ? read_time() : hours{2};
    return result;
  }

  std::string_view all_;
  std::string_view rest_;
};

time_zone time_zone::parse_posix(std::string_view text) {
  return posix_reader{text}.read();
}

local_seconds time_zone::day_rule::in(year y) const noexcept {
  const local_days first{y / January / 1};
  switch (how) {
    case kind::weekday: {
      const year_month in_month{y, std::chrono::month{
                                     static_cast<unsigned>(month)}};
      const weekday wanted{static_cast<unsigned>(this->day)};
      const local_days found
        = week == 5
            ? local_days{in_month / wanted[last]}
            : local_days{in_month / wanted[static_cast<unsigned>(week)]};
      return found + time;
    }
    case kind::without_leaps: {
      const auto leaps = y.is_leap() && this->day >= 60 ? 1 : 0;
      return first + days{this->day - 1 + leaps} + time;
    }
    default:
      return first + days{this->day} + time;
  }
}

// -- a file of the database -----------------------------------------------------

namespace {

/// Reads numbers of which the highest byte comes first.
class tzif_reader {
public:
  explicit tzif_reader(std::string_view bytes) : rest_(bytes) {
    // nop
  }

  [[noreturn]] static void refuse() {
    throw std::invalid_argument("the file is no time zone, or of a version "
                                "before 2");
  }

  std::string_view take(std::size_t size) {
    if (rest_.size() < size)
      refuse();
    const auto result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }

  std::int64_t number(std::size_t size) {
    std::uint64_t result = 0;
    for (const auto c : take(size))
      result = result << 8 | static_cast<unsigned char>(c);
    const auto unused = 64 - 8 * size;
    return static_cast<std::int64_t>(result << unused) >> unused;
  }

  [[nodiscard]] std::string_view rest() const noexcept {
    return rest_;
  }

private:
  std::string_view rest_;
};

/// How many there are of what, in the order of the header.
struct tzif_header {
  explicit tzif_header(tzif_reader& from) {
    if (from.take(4) != "TZif" || from.take(1)[0] < '2')
      tzif_reader::refuse();
    static_cast<void>(from.take(15));
    for (auto* x : {&in_utc, &standard, &leaps, &times, &types, &letters})
      *x = static_cast<std::size_t>(from.number(4));
  }

  [[nodiscard]] std::size_t size(std::size_t of_time) const noexcept {
    return times * (of_time + 1) + types * 6 + letters + leaps * (of_time + 4)
           + standard + in_utc;
  }

  std::size_t in_utc;
  std::size_t standard;
  std::size_t leaps;
  std::size_t times;
  std::size_t types;
  std::size_t letters;
};

} // namespace

time_zone time_zone::parse_tzif(std::string_view bytes) {
  tzif_reader reader{bytes};
  const tzif_header former{reader}; // of version 1, with times of 32 bits
  static_cast<void>(reader.take(former.size(4)));
  const tzif_header header{reader};
  tzif_reader times{reader.take(header.times * 8)};
  const auto kinds = reader.take(header.times);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.emplace_back(reader.number(4));
    static_cast<void>(reader.take(2));
  }
  static_cast<void>(reader.take(header.letters + header.leaps * 12
                                + header.standard + header.in_utc));
  if (offsets.empty())
    tzif_reader::refuse();
  time_zone result;
  const auto footer = reader.rest();
  if (footer.size() > 2) // two line ends, and the rule between them
    result = parse_posix(footer.substr(1, footer.find('\n', 1) - 1));
  result.first_ = offsets[0];
  for (const auto kind : kinds) {
    const auto i = static_cast<unsigned char>(kind);
    if (i >= offsets.size())
      tzif_reader::refuse();
    result.changes_.push_back(
      {sys_seconds{seconds{times.number(8)}}, offsets[i]});
  }
  if (footer.size() <= 2)
    result.standard_ = result.changes_.empty() ? offsets[0]
                                               : result.changes_.back().offset;
  return result;
}

// -- periods --------------------------------------------------------------------

zone_period time_zone::period_at(sys_seconds x) const noexcept {
  const auto next = std::ranges::upper_bound(changes_, x, {}, &change::at);
  if (next == changes_.end()) {
    auto result = period_by_rule(x);
    if (!changes_.empty())
      result.begin = std::max(result.begin, changes_.back().at);
    return result;
  }
  if (next == changes_.begin())
    return {sys_seconds::min(), next->at, first_};
  return {std::prev(next)->at, next->at, std::prev(next)->offset};
}

zone_period time_zone::period_by_rule(sys_seconds x) const noexcept {
  zone_period result{sys_seconds::min(), sys_seconds::max(), standard_};
  if (!summer_)
    return result;
  const year_month_day date{floor<days>(x)};
  std::array<change, 6> around;
  auto* next = around.data();
  for (auto y = date.year() - years{1}; y <= date.year() + years{1}; ++y) {
    // A summer may last into the next year.
    const auto begin = summer_->begin.in(y).time_since_epoch() - standard_;
    const auto end = summer_->end.in(y).time_since_epoch() - summer_->offset;
    *next++ = {sys_seconds{begin}, summer_->offset};
    *next++ = {sys_seconds{end}, standard_};
  }
  std::ranges::stable_sort(around, {}, &change::at);
  for (const auto& each : around) {
    if (each.at > x) {
      result.end = each.at;
      break;
    }
    result.begin = each.at;
    result.offset = each.offset;
  }
  return result;
}

} // namespace troupe::rules
