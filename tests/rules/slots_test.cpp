// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/slots.hpp"

#include "time/zone_file.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::rules;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using std::chrono::sys_seconds;
using troupe::missed_slots;
using troupe::schedule;
using troupe::wall_time;

namespace {

// Descriptions, so that no test depends on the files of the machine.
constexpr auto berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr auto sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
constexpr auto lord_howe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
constexpr auto nepal = "<+0545>-5:45";

sys_seconds utc(int year, unsigned month, unsigned day, int hour = 0,
                int minute = 0) {
  return std::chrono::sys_days{std::chrono::year{year} / month / day}
         + std::chrono::hours{hour} + std::chrono::minutes{minute};
}

std::string text_of(sys_seconds x) {
  const std::time_t count = x.time_since_epoch().count();
  tm parts{};
  ::gmtime_r(&count, &parts);
  std::string result(40, '\0');
  result.resize(
    std::strftime(result.data(), result.size(), "%Y-%m-%d %H:%M:%S", &parts));
  return result;
}

std::vector<std::string> texts_of(const std::vector<sys_seconds>& xs) {
  std::vector<std::string> result;
  for (auto x : xs)
    result.push_back(text_of(x));
  return result;
}

time_zone zone_of(std::string_view text) {
  return text == "UTC" ? time_zone{} : time_zone::parse_posix(text);
}

/// A file of the database, of version 2.
class zone_image {
public:
  zone_image() {
    header('2', 0, 0);
  }

  std::string make(const std::vector<std::pair<std::int64_t, int>>& changes,
                   const std::vector<int>& offsets, const std::string& footer) {
    header('2', changes.size(), offsets.size());
    for (auto [at, type] : changes)
      number(at, 8);
    for (auto [at, type] : changes)
      bytes_ += static_cast<char>(type);
    for (auto offset : offsets) {
      number(offset, 4);
      bytes_ += std::string(2, '\0');
    }
    return bytes_ + "\n" + footer + "\n";
  }

private:
  void header(char version, std::size_t times, std::size_t types) {
    bytes_ += "TZif";
    bytes_ += version;
    bytes_ += std::string(15, '\0');
    for (auto count : {std::size_t{0}, std::size_t{0}, std::size_t{0}, times,
                       types, std::size_t{0}})
      number(static_cast<std::int64_t>(count), 4);
  }

  void number(std::int64_t x, int size) {
    for (int i = size - 1; i >= 0; --i)
      bytes_ += static_cast<char>(x >> 8 * i & 0xff);
  }

  std::string bytes_;
};

} // namespace

// -- lines ----------------------------------------------------------------------

TEST_CASE("L39 a line of cron that cannot be read is refused with a text") {
  struct row {
    const char* line;
    const char* text;
  };
  const std::vector<row> table{
    {"", "it has 0 of five fields"},
    {"* * * *", "it has 4 of five fields"},
    {"* * * * * *", "more than five fields"},
    {"@daily", "it has 1 of five fields"},
    {"60 * * * *", "minute: \"60\" is no number from 0 to 59"},
    {"-1 * * * *", "minute: \"\" is no number"},
    {"1- * * * *", "minute: \"\" is no number"},
    {"* 24 * * *", "hour: \"24\" is no number from 0 to 23"},
    {"* * 0 * *", "day of the month: \"0\" is no number from 1 to 31"},
    {"* * 32 * *", "day of the month: \"32\""},
    {"* * * 13 *", "month: \"13\""},
    {"* * * foo *", "month: \"foo\""},
    {"* * * * 8", "day of the week: \"8\" is no number from 0 to 7"},
    {"1,,2 * * * *", "minute: \"\""},
    {"5-1 * * * *", "the range \"5-1\" runs backwards"},
    {"*/0 * * * *", "the step \"0\" is no number of at least 1"},
    {"*/x * * * *", "the step \"x\""},
    {"*/ * * * *", "the step \"\""},
    {"*/99999999999 * * * *", "the step"},
    {"5/15 * * * *", "a step goes with a range, or with *, and not with \"5\""},
    {"mon * * * *", "minute: \"mon\""},
    {"0 0 30 2 *", "no month that it names has such a day"},
    {"0 0 31 4,6,9,11 *", "no month that it names has such a day"},
  };
  for (const auto& x : table) {
    INFO(x.line);
    CHECK_THROWS_MATCHES(
      parse_cron(x.line), std::invalid_argument,
      MessageMatches(
        ContainsSubstring(x.text)
        && ContainsSubstring("cron \"" + std::string{x.line} + "\"")));
  }
}

TEST_CASE("L39 the ways to write a line of cron") {
  struct row {
    const char* line;
    const char* same;
  };
  const std::vector<row> table{
    {"0 3 * * 1-5", " 0\t3  * *  mon-FRI "},
    {"0 3 * * 0", "0 3 * * 7"},
    {"0 3 * * 5-7", "0 3 * * fri,sat,sun"},
    {"0 3 * jan,Dec *", "0 3 * 1,12 *"},
    {"0-59/20 3 * * *", "0,20,40 3 * * *"},
    {"0 9-17/4 * * *", "0 9,13,17 * * *"},
    {"00 03 * * *", "0 3 * * *"},
  };
  for (const auto& x : table) {
    INFO(x.line);
    CHECK(parse_cron(x.line) == parse_cron(x.same));
  }
  CHECK(parse_cron("*/20 3 * * *").minutes
        == parse_cron("0,20,40 3 * * *").minutes);
  CHECK(parse_cron("*/20 3 * * *").repeats);
  CHECK(parse_cron("0 * * * *").repeats);
  CHECK_FALSE(parse_cron("0-59 0-23 * * *").repeats);
  CHECK(parse_cron("0 0 29 2 *").months == 4);
  // A day of the week is enough.
  CHECK_FALSE(parse_cron("0 0 30 2 1").both_days);
}

// -- slots ------------------------------------------------------------------------

TEST_CASE("L39 the slots of a line of cron, also where the clocks are set") {
  struct row {
    const char* what;
    const char* line;
    const char* zone;
    sys_seconds after;
    std::vector<sys_seconds> next;
  };
  const std::vector<row> table{
    {"weekdays",
     "0 3 * * 1-5",
     "UTC",
     utc(2026, 11, 27, 3),
     {utc(2026, 11, 30, 3), utc(2026, 12, 1, 3)}},
    {"a slot is not after itself, a second before is",
     "0 3 * * *",
     "UTC",
     utc(2026, 1, 1, 3) - 1s,
     {utc(2026, 1, 1, 3), utc(2026, 1, 2, 3)}},
    {"the end of a year",
     "59 23 31 12 *",
     "UTC",
     utc(2026, 12, 31, 23, 59),
     {utc(2027, 12, 31, 23, 59)}},
    {"leap years, over a century that has none",
     "0 0 29 2 *",
     "UTC",
     utc(2092, 3, 1),
     {utc(2096, 2, 29), utc(2104, 2, 29)}},
    {"either day, if both are given",
     "0 0 13 * 5",
     "UTC",
     utc(2026, 11, 7),
     {utc(2026, 11, 13), utc(2026, 11, 20), utc(2026, 11, 27), utc(2026, 12, 4),
      utc(2026, 12, 11), utc(2026, 12, 13)}},
    {"both days, if one begins with *",
     "0 0 */2 * 5",
     "UTC",
     utc(2026, 11, 7),
     {utc(2026, 11, 13), utc(2026, 11, 27), utc(2026, 12, 11)}},
    {"another offset",
     "0 0 * * *",
     nepal,
     utc(2026, 1, 1),
     {utc(2026, 1, 1, 18, 15)}},
    {"a zone whose clocks are set",
     "0 3 * * 1-5",
     berlin,
     utc(2026, 3, 27, 1),
     {utc(2026, 3, 27, 2), utc(2026, 3, 30, 1)}},
    // The 29th of March has no time from 2:00 to 3:00.
    {"forward: right after it",
     "30 2 * * *",
     berlin,
     utc(2026, 3, 28, 1),
     {utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)}},
    {"forward: one for several times that are left out",
     "0,30 2 * * *",
     berlin,
     utc(2026, 3, 28, 2),
     {utc(2026, 3, 29, 1), utc(2026, 3, 30, 0), utc(2026, 3, 30, 0, 30)}},
    {"forward: one together with that of the end",
     "0 2,3 * * *",
     berlin,
     utc(2026, 3, 29),
     {utc(2026, 3, 29, 1), utc(2026, 3, 30, 0), utc(2026, 3, 30, 1)}},
    {"forward: not on another day",
     "30 2 * * 1-5",
     berlin,
     utc(2026, 3, 29),
     {utc(2026, 3, 30, 0, 30)}},
    {"forward: every so often",
     "*/30 * * * *",
     berlin,
     utc(2026, 3, 29, 0, 1),
     {utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1), utc(2026, 3, 29, 1, 30)}},
    {"forward: every so often in an hour that is left out",
     "*/30 2 * * *",
     berlin,
     utc(2026, 3, 28, 2),
     {utc(2026, 3, 30), utc(2026, 3, 30, 0, 30)}},
    // The 25th of October has the time from 2:00 to 3:00 twice.
    {"back: the first time only",
     "30 2 * * *",
     berlin,
     utc(2026, 10, 25),
     {utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)}},
    {"back: also seen from the second time",
     "30 2 * * *",
     berlin,
     utc(2026, 10, 25, 1, 10),
     {utc(2026, 10, 26, 1, 30)}},
    {"back: those after it",
     "0 2,3 * * *",
     berlin,
     utc(2026, 10, 24, 23),
     {utc(2026, 10, 25), utc(2026, 10, 25, 2), utc(2026, 10, 26, 1)}},
    {"back: every so often",
     "30 * * * *",
     berlin,
     utc(2026, 10, 25),
     {utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30),
      utc(2026, 10, 25, 2, 30)}},
    {"back: every so often in the hour that comes twice",
     "*/30 2 * * *",
     berlin,
     utc(2026, 10, 24, 23),
     {utc(2026, 10, 25), utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1),
      utc(2026, 10, 25, 1, 30), utc(2026, 10, 26, 1)}},
    {"the south: its summer lasts into the next year",
     "30 2 * * *",
     sydney,
     utc(2026, 10, 2, 20),
     {utc(2026, 10, 3, 16), utc(2026, 10, 4, 15, 30)}},
    {"the south, in January",
     "0 12 * * *",
     sydney,
     utc(2026, 1, 1),
     {utc(2026, 1, 1, 1)}},
    {"half an hour forward",
     "15 2 * * *",
     lord_howe,
     utc(2026, 10, 3),
     {utc(2026, 10, 3, 15, 30), utc(2026, 10, 4, 15, 15)}},
  };
  for (const auto& x : table) {
    INFO(x.what << ": " << x.line);
    const cron_plan plan{parse_cron(x.line), zone_of(x.zone)};
    std::vector<sys_seconds> found;
    auto at = x.after;
    while (found.size() < x.next.size()) {
      const auto next = next_slot(plan, at);
      REQUIRE(next);
      found.push_back(at = *next);
      CHECK(last_slot(plan, at) == at);
      CHECK(last_slot(plan, at + 59s) == at);
    }
    CHECK(texts_of(found) == texts_of(x.next));
  }
}

TEST_CASE("L39 the last slot is that whose next one is to come") {
  std::mt19937 random{7};
  for (const auto* line :
       {"0 3 * * 1-5", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "* 2 * 3,10 0",
        "0 12 29 2 *", "0-59 0-23 * * *"}) {
    for (const auto* zone : {"UTC", berlin, sydney, lord_howe}) {
      INFO(line << ", " << zone);
      const cron_plan plan{parse_cron(line), zone_of(zone)};
      for (int i = 0; i < 20; ++i) {
        const auto at
          = utc(2000, 1, 1)
            + std::chrono::seconds{random() % (40u * 365 * 24 * 3600)};
        const auto last = last_slot(plan, at);
        REQUIRE(last);
        REQUIRE(*last <= at);
        const auto next = next_slot(plan, *last);
        REQUIRE(next);
        REQUIRE(*next > at);
        REQUIRE(next_slot(plan, at) == next);
        REQUIRE(last_slot(plan, *next - 1s) == last);
      }
    }
  }
}

TEST_CASE("L39 a schedule ends where the calendar does") {
  const auto nightly = troupe::cron("0 3 * * *");
  CHECK(nightly.next(wall_time::max()) == wall_time::max());
  CHECK(nightly.last(wall_time::min()) == wall_time::min());
  CHECK(nightly.last(wall_time::max()) == wall_time{utc(9999, 12, 31, 3)});
  CHECK(nightly.next(wall_time{utc(9999, 12, 31, 3)}) == wall_time::max());
  CHECK(nightly.next(wall_time::min()) == wall_time{utc(1, 1, 1, 3)});
}

// -- zones ------------------------------------------------------------------------

TEST_CASE("L39 a zone is read from a description") {
  const auto x = time_zone::parse_posix(berlin);
  CHECK(x.period_at(utc(2026, 7, 1))
        == zone_period{utc(2026, 3, 29, 1), utc(2026, 10, 25, 1), 2h});
  CHECK(x.period_at(utc(2026, 10, 25, 1))
        == zone_period{utc(2026, 10, 25, 1), utc(2027, 3, 28, 1), 1h});
  CHECK(x.period_at(utc(2026, 3, 29, 1) - 1s).offset == 1h);
  // The days of a year, with and without the 29th of February.
  const auto days = time_zone::parse_posix("AAA3BBB,J60/0,300/1:30:30");
  CHECK(
    days.period_at(utc(2024, 6, 1))
    == zone_period{utc(2024, 3, 1, 3), utc(2024, 10, 27, 3, 30) + 30s, -2h});
  CHECK(days.period_at(utc(2025, 6, 1)).begin == utc(2025, 3, 1, 3));
  // Summer for the whole year.
  const auto ever = time_zone::parse_posix("XXX3EDT4,0/0,J365/23");
  for (auto at : {utc(2026, 1, 1), utc(2026, 7, 1), utc(2026, 12, 31, 23)})
    CHECK(ever.period_at(at).offset == -4h);
  for (const auto* wrong :
       {"", "CE", "CET", "CET-", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3 ", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-200", "<CET-1", "CET-1:60",
        "Europe/Berlin"}) {
    INFO(wrong);
    CHECK_THROWS_AS(time_zone::parse_posix(wrong), std::invalid_argument);
  }
}

TEST_CASE("L39 a zone is read from a file of the database") {
  const auto at = [](sys_seconds x) { return x.time_since_epoch().count(); };
  const auto image
    = zone_image{}.make({{at(utc(1950, 1, 1)), 1}, {at(utc(2020, 1, 1)), 2}},
                        {-1000, 7200, 3600}, berlin);
  const auto x = time_zone::parse_tzif(image);
  CHECK(x.period_at(utc(1900, 1, 1))
        == zone_period{sys_seconds::min(), utc(1950, 1, 1), -1000s});
  CHECK(x.period_at(utc(1950, 1, 1))
        == zone_period{utc(1950, 1, 1), utc(2020, 1, 1), 2h});
  // Then the rule of the footer.
  CHECK(x.period_at(utc(2020, 1, 2))
        == zone_period{utc(2020, 1, 1), utc(2020, 3, 29, 1), 1h});
  const auto constant = time_zone::parse_tzif(zone_image{}.make({}, {60}, ""));
  CHECK(constant.period_at(utc(2020, 1, 1)).offset == 60s);
  // Any beginning of a file is refused, and so is any that names a type that
  // is not there.
  for (std::size_t size = 0; size + 30 < image.size(); ++size)
    CHECK_THROWS_AS(time_zone::parse_tzif(image.substr(0, size)),
                    std::invalid_argument);
  CHECK_THROWS_AS(time_zone::parse_tzif(zone_image{}.make({{0, 3}}, {0}, "")),
                  std::invalid_argument);
  CHECK_THROWS_AS(time_zone::parse_tzif(std::string(100, '\xff')),
                  std::invalid_argument);
}

TEST_CASE("L39 a zone is found by its name") {
  CHECK(troupe::cron("0 3 * * *", "UTC").next(wall_time{0s}) == wall_time{3h});
  CHECK(troupe::cron("0 3 * * *", "<+03>-3").next(wall_time{0s})
        == wall_time{24h});
  for (const auto* wrong : {"Europe/Atlantis", "nowhere"})
    CHECK_THROWS_MATCHES(troupe::cron("0 3 * * *", wrong),
                         std::invalid_argument,
                         MessageMatches(ContainsSubstring("install tzdata")
                                        && ContainsSubstring(wrong)));
  for (const auto* wrong : {"", "/etc/passwd", "../../../etc/passwd"})
    CHECK_THROWS_MATCHES(
      troupe::cron("0 3 * * *", wrong), std::invalid_argument,
      MessageMatches(ContainsSubstring("is no name of a time zone")));
  if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin"))
    SKIP("there is no time zone database (Debian: tzdata)");
  const auto real = troupe::detail::load_time_zone("Europe/Berlin");
  const auto described = time_zone::parse_posix(berlin);
  for (auto at = utc(2000, 1, 1); at < utc(2090, 1, 1); at += 1000h)
    CHECK(real.period_at(at) == described.period_at(at));
  CHECK_THROWS_MATCHES(
    troupe::cron("0 3 * * *", "zone.tab"), std::invalid_argument,
    MessageMatches(ContainsSubstring("the file is no time zone")));
}

// -- slots that were missed -----------------------------------------------------

TEST_CASE("J12 all processes agree on the slots of a periodic job") {
  auto at = [](auto x) { return wall_time{x}; };
  CHECK(slot_at(at(125s), 60s) == at(120s));
  CHECK(slot_at(at(120s), 60s) == at(120s));
  CHECK(slot_at(at(-1s), 60s) == at(-60s));
  CHECK(slot_at(wall_time::min(), 60s) == wall_time::min());
}

TEST_CASE("J12 a schedule is a value, from slot to slot") {
  const schedule hourly{1h};
  CHECK(hourly.last(wall_time{90min}) == wall_time{60min});
  CHECK(hourly.next(wall_time{90min}) == wall_time{120min});
  CHECK(hourly.next(wall_time{60min}) == wall_time{120min});
  CHECK(hourly.next(wall_time::max()) == wall_time::max());
  CHECK(schedule{troupe::infinite}.next(wall_time{1h}) > wall_time{100'000h});
  CHECK_THROWS_MATCHES(schedule{999us}, std::invalid_argument,
                       MessageMatches(ContainsSubstring("at least 1 ms")));
}

TEST_CASE("J12 slots that were missed follow the rule") {
  const schedule hourly{1h};
  auto at = [](auto x) { return wall_time{x}; };
  struct row {
    const char* what;
    std::optional<wall_time> last;
    wall_time now;
    missed_slots missed;
    due_slots expected;
  };
  using enum missed_slots;
  const std::vector<row> table{
    {"a new job has missed none", {}, at(90min), all, {{}, at(60min)}},
    {"nothing is due yet", at(60min), at(119min), all, {{}, at(60min)}},
    {"a slot begins", at(60min), at(120min), skip, {{at(2h)}, at(2h)}},
    {"a minute late is on time",
     at(60min),
     at(121min),
     skip,
     {{at(2h)}, at(2h)}},
    {"two are too late", at(60min), at(122min), skip, {{}, at(2h)}},
    {"too late, once", at(60min), at(122min), once, {{at(2h)}, at(2h)}},
    {"many at night, skip", at(1h), at(10h + 30min), skip, {{}, at(10h)}},
    {"many, and one just now", at(1h), at(10h), skip, {{at(10h)}, at(10h)}},
    {"many, once", at(1h), at(10h + 30min), once, {{at(10h)}, at(10h)}},
    {"many, all",
     at(1h),
     at(4h + 30min),
     all,
     {{at(2h), at(3h), at(4h)}, at(4h)}},
    {"more than at a time",
     at(1h),
     at(10h),
     all,
     {{at(2h), at(3h), at(4h)}, at(4h)}},
    {"the clock was set back", at(5h), at(2h), all, {{}, at(5h)}},
    {"the schedule was another one",
     at(90min),
     at(3h),
     all,
     {{at(2h), at(3h)}, at(3h)}},
  };
  for (const auto& x : table) {
    INFO(x.what);
    CHECK(find_due_slots(hourly, x.last, x.now, x.missed, 3) == x.expected);
  }
}
