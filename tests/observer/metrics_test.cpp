// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/metrics.hpp"

#include "support/fake_jobs.hpp"
#include "support/real_system.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <caf/actor_system.hpp>
#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric_registry.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

#ifndef TROUPE_PROMTOOL
#  define TROUPE_PROMTOOL ""
#endif

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using troupe::event_kind;
using troupe::export_metrics;
using troupe::prometheus_text;
using troupe::supervisor_spec;
using testing_system = troupe::testing::system;

namespace {

/// Takes so many milliseconds for a message; fails on a negative one.
class eater : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message()) {
      if (*x < 0)
        throw std::runtime_error{"broken"};
      degraded("eats");
      co_await sleep_for(std::chrono::milliseconds{*x});
    }
  }
};

supervisor_spec tree() {
  supervisor_spec result{.name = "tree"};
  result.add<eater>("eater", {.backoff = {.initial = 1s, .jitter = 0.0}});
  return result;
}

/// The value of a metric in the text, or -1 if it is not there.
double value_of(const std::string& text, const std::string& metric) {
  auto at = text.find('\n' + metric + ' ');
  return at == std::string::npos
           ? -1
           : std::stod(text.substr(at + metric.size() + 2));
}

/// How many observations of a histogram are that small at most.
double bucket(const std::string& text, const std::string& metric, double upto) {
  const auto begin = '\n' + metric + "_bucket{le=\"";
  for (auto at = text.find(begin); at != std::string::npos;
       at = text.find(begin, at + 1))
    if (const auto le = text.substr(at + begin.size());
        !le.starts_with('+') && std::stod(le) == upto)
      return std::stod(le.substr(le.find(' ') + 1));
  return -1;
}

/// What promtool, a part of Prometheus, finds wrong with a text.
std::string complaints_about(const std::string& text) {
  std::string file = std::filesystem::temp_directory_path() / "metrics-XXXXXX";
  const auto fd = ::mkstemp(file.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream{file} << text;
  const auto line = std::string{TROUPE_PROMTOOL} + " check metrics <" + file
                    + " >" + file + ".out 2>&1";
  const auto code = std::system(line.c_str());
  std::ifstream from{file + ".out"};
  std::string result{std::istreambuf_iterator<char>{from}, {}};
  std::filesystem::remove(file);
  std::filesystem::remove(file + ".out");
  return code == 0 ? std::string{} : "it fails: " + result;
}

} // namespace

TEST_CASE("S28 S29 what workers do is counted in CAF's registry") {
  testing_system sys;
  export_metrics(sys, {.sampling_interval = troupe::infinite});
  auto root = troupe::spawn(sys, tree());
  root.startup();
  auto ref = *troupe::lookup<eater>(sys, "/tree/eater");
  ref.send(50);
  ref.send(2);
  sys.advance(10ms);
  // Events are counted on a thread of their own: the next text that has the
  // last one has them all.
  auto text_with = [&sys](const std::string& metric, double value) {
    auto text = prometheus_text(sys);
    while (value_of(text, metric) != value) {
      std::this_thread::yield();
      text = prometheus_text(sys);
    }
    return text;
  };
  auto text = text_with("troupe_start_duration_seconds_count", 2);
  CHECK(value_of(text, R"(troupe_workers{phase="ready"})") == 2);
  CHECK(value_of(text, R"(troupe_workers{phase="done"})") == 0);
  CHECK(value_of(text, "troupe_degraded") == 1);
  CHECK(value_of(text, "troupe_queued") == 1);
  CHECK(value_of(text, "troupe_pending_timers") > 0);
  CHECK(value_of(text, "troupe_starts_total") == 2);
  CHECK(value_of(text, "troupe_restarts_total") == 0);
  CHECK(value_of(text, "troupe_handle_duration_seconds_count") == 0);
  sys.advance(1s);
  text = prometheus_text(sys);
  CHECK(value_of(text, "troupe_handle_duration_seconds_count") == 2);
  CHECK(bucket(text, "troupe_handle_duration_seconds", 0.01) == 1);
  CHECK(bucket(text, "troupe_handle_duration_seconds", 0.1) == 2);
  ref.send(-1);
  ref.send(1);
  sys.advance(10ms);
  text = text_with(R"(troupe_failures_total{reason="worker_failed"})", 1);
  CHECK(value_of(text, R"(troupe_ends_total{kind="failed"})") == 1);
  CHECK(value_of(text, R"(troupe_workers{phase="backing_off"})") == 1);
  CHECK(value_of(text, R"(troupe_dead_letters_total{reason="lost"})") == 1);
  sys.advance(1s);
  text = text_with("troupe_restarts_total", 1);
  CHECK(value_of(text, "troupe_starts_total") == 3);
  root.shutdown();
  text = text_with(R"(troupe_ends_total{kind="normal"})", 2);
  CHECK(value_of(text, "troupe_stop_duration_seconds_count") == 2);
  CHECK(value_of(text, "troupe_give_ups_total") == 0);
  CHECK(value_of(text, "troupe_missed_events_total") == 0);
  CHECK_THAT(text, ContainsSubstring("caf_system_running_actors"));
}

TEST_CASE("S29 metrics are brought up to date now and then") {
  testing_system sys;
  export_metrics(sys, {.sampling_interval = 10s});
  auto root = troupe::spawn(sys, tree());
  root.startup();
  auto& ready = *static_cast<caf::actor_system&>(sys).metrics().gauge_instance(
    "troupe", "workers", {{"phase", "ready"}}, "");
  CHECK(ready.value() == 0);
  sys.advance(10s);
  // It is done on a thread of its own, for which virtual time waits.
  CHECK(ready.value() == 2);
  root.shutdown();
  sys.advance(10s);
  CHECK(ready.value() == 0);
}

TEST_CASE("S29 nobody counts until somebody wants it, and then once") {
  support::real_system sys;
  CHECK_THAT(prometheus_text(sys), !ContainsSubstring("troupe_"));
  export_metrics(sys);
  export_metrics(sys, {.sampling_interval = 1s});
  CHECK_THAT(prometheus_text(sys), ContainsSubstring("troupe_workers"));
  CHECK_THROWS_AS(export_metrics(sys, {.sampling_interval = -1s}),
                  std::invalid_argument);
}

TEST_CASE("Q8 S29 handles may outlive the system that counts") {
  troupe::worker_ref<eater> ref;
  {
    support::real_system sys;
    export_metrics(sys);
    ref = troupe::spawn<eater>(sys);
    ref.startup();
    ref.shutdown();
  }
  ref.send(1);
  CHECK(ref.queue().closed == 1);
}

TEST_CASE("S29 Prometheus reads the metrics, whatever the program's own hold") {
  testing_system sys;
  export_metrics(sys, {.sampling_interval = troupe::infinite});
  caf::actor_system& system = sys;
  auto& metrics = system.metrics();
  metrics
    .gauge_singleton<double>("my-program", "load",
                             "One \\ two\nthree \"four\" \xff")
    ->value(-std::numeric_limits<double>::infinity());
  metrics
    .gauge_instance("my", "files", {{"name", "a\"b\\c\nd\xff\xc3\xa4"}},
                    "Files.")
    ->value(7);
  metrics.gauge_singleton("my", "odd.name", "Odd.")->value(1);
  metrics.gauge_singleton("my", "odd_name", "Odd, too.");
  metrics.counter_singleton("my.odd", "name", "Odd, and no gauge.");
  const std::array<double, 2> bounds{-1.5, 0.1};
  metrics
    .histogram_singleton<double>("my", "delay",
                                 caf::make_span(bounds.data(), bounds.size()),
                                 "How long.", "seconds")
    ->observe(std::numeric_limits<double>::infinity());
  const std::array<std::int64_t, 2> sizes{1, 2};
  metrics
    .histogram_singleton<std::int64_t>(
      "my", "size", caf::make_span(sizes.data(), sizes.size()), "How many.",
      "bytes")
    ->observe(2);
  const auto text = prometheus_text(sys);
  CHECK_THAT(text, ContainsSubstring(
                     "# HELP my_program_load One \\\\ two\\nthree \"four\" "
                     "\xef\xbf\xbd\n# TYPE my_program_load gauge\n"
                     "my_program_load -Inf\n"));
  CHECK_THAT(text,
             ContainsSubstring("my_files{name=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3"
                               "\xa4\"} 7\n"));
  CHECK_THAT(text, ContainsSubstring(R"(
my_delay_seconds_bucket{le="-1.5"} 0
my_delay_seconds_bucket{le="0.1"} 0
my_delay_seconds_bucket{le="+Inf"} 1
my_delay_seconds_sum +Inf
my_delay_seconds_count 1
)"));
  CHECK_THAT(text, ContainsSubstring(R"(
my_size_bytes_bucket{le="1"} 0
my_size_bytes_bucket{le="2"} 1
my_size_bytes_bucket{le="+Inf"} 1
my_size_bytes_sum 2
my_size_bytes_count 1
)"));
  CHECK_THAT(text, ContainsSubstring("\nmy_odd_name 1\nmy_odd_name 0\n"));
  // No value has a time of its own.
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with('#'))
      CHECK(line.find(' ', line.rfind('}') + 1) == line.rfind(' '));
  if (*TROUPE_PROMTOOL != '\0')
    CHECK(complaints_about(text) == "");
}

TEST_CASE(
  "S29 Prometheus reads names that are taken, or mean something to it") {
  support::real_system sys;
  auto& metrics = sys.sys().metrics();
  const std::array<double, 1> bound{0.5};
  const auto bounds = caf::make_span(bound.data(), bound.size());
  metrics.histogram_family<double>("my", "delay", {"le"}, bounds, "Delays.")
    ->get_or_add({{"le", "x"}})
    ->observe(0.1);
  metrics.gauge_instance("my", "level", {{"le", "x"}, {"__name__", "y"}}, "L.")
    ->value(1);
  metrics
    .gauge_instance("my", "files",
                    {{"a-b", "1"}, {"a.b", "2"}, {"exported_a_b", "3"}}, "F.")
    ->value(2);
  // A histogram is written under three further names.
  metrics.gauge_singleton("my", "size_count", "Sizes.")->value(3);
  for (const std::string name : {"delay_sum", "delay_count", "delay_bucket"})
    metrics.gauge_singleton("my", name, "Delays.")->value(4);
  metrics.histogram_singleton<double>("my", "size", bounds, "Sizes.");
  const auto text = prometheus_text(sys);
  CHECK_THAT(text, ContainsSubstring(R"(
my_delay_bucket{exported_le="x",le="0.5"} 1
my_delay_bucket{exported_le="x",le="+Inf"} 1
my_delay_sum{exported_le="x"} 0.1
my_delay_count{exported_le="x"} 1
)"));
  CHECK_THAT(text, ContainsSubstring(
                     "\nmy_level{exported___name__=\"y\",le=\"x\"} 1\n"));
  CHECK_THAT(text, ContainsSubstring("\nmy_files{a_b=\"1\",exported_a_b=\"2\","
                                     "exported_exported_a_b=\"3\"} 2\n"));
  CHECK_THAT(text, ContainsSubstring("\nmy_size_count 3\n"));
  CHECK_THAT(text, !ContainsSubstring("my_size_bucket"));
  CHECK_THAT(text, !ContainsSubstring(" 4\n"));
  if (*TROUPE_PROMTOOL != '\0')
    CHECK_THAT(complaints_about(text), !ContainsSubstring("parsing error"));
}

TEST_CASE("J18 stores of jobs are counted, by queue") {
  testing_system sys;
  export_metrics(sys, {.sampling_interval = troupe::infinite});
  CHECK_THAT(prometheus_text(sys), !ContainsSubstring("troupe_job"));
  {
    support::fake_jobs store{sys, "\"a.db\""};
    support::fake_jobs other{sys, "\"a.db\""}; // another handle to it
    store.with([&](auto& x) {
      x.now = {.queues = {{.queue = "mail",
                           .put = 10,
                           .waiting = 3,
                           .running = 2,
                           .buried = 1,
                           .done = 4,
                           .oldest_wait = 1500ms,
                           .failures = 5},
                          {.queue = "m\xc3\xa4il \\ \"x\"", .put = 1}},
               .crashes = 6};
    });
    other.with([&](auto& x) {
      x.now = {.queues = {{.queue = "mail", .put = 10, .failures = 7}},
               .crashes = 1};
    });
    auto text = prometheus_text(sys);
    auto of = [&](const std::string& metric, const std::string& labels = {}) {
      return value_of(text, metric + R"({queue="mail",store="\"a.db\"")"
                              + labels + '}');
    };
    CHECK(of("troupe_jobs_put_total") == 10);
    CHECK(of("troupe_jobs_done_total") == 4);
    CHECK(of("troupe_job_failures_total") == 12);
    CHECK(of("troupe_oldest_job_seconds") == 1.5);
    auto places = [&](const std::string& place) {
      return value_of(text, R"(troupe_jobs{place=")" + place
                              + R"(",queue="mail",store="\"a.db\""})");
    };
    CHECK(places("waiting") == 3);
    CHECK(places("running") == 2);
    CHECK(places("buried") == 1);
    CHECK(value_of(text, R"(troupe_job_crashes_total{store="\"a.db\""})") == 7);
    CHECK(value_of(text, R"(troupe_job_store_up{store="\"a.db\""})") == 1);
    if (*TROUPE_PROMTOOL != '\0')
      CHECK(complaints_about(text) == "");
    store.with([&](auto& x) { x.now.queues[0].put = 12; });
    store.with([&](auto& x) { x.away = "disk I/O error"; });
    other.with([&](auto& x) { x.away = "disk I/O error"; });
    text = prometheus_text(sys);
    CHECK(of("troupe_jobs_put_total") == 10);
    CHECK(places("waiting") == 0);
    CHECK(value_of(text, R"(troupe_job_store_up{store="\"a.db\""})") == 0);
    store.with([](auto& x) { x.away.clear(); });
    text = prometheus_text(sys);
    CHECK(of("troupe_jobs_put_total") == 12);
    CHECK(places("waiting") == 3);
  }
  CHECK(
    value_of(prometheus_text(sys), R"(troupe_job_store_up{store="\"a.db\""})")
    == 0);
}
