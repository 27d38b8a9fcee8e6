// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The log service of examples/log_service, and the same by hand, with threads.

#include "database.hpp"
#include "intake.hpp"
#include "workers.hpp"

#include "probes/probes.hpp"
#include "support/temporary_folder.hpp"

#include "troupe/supervisor_ref.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::bench {

namespace {

using namespace log_service;

constexpr std::size_t capacity = 5'000;

constexpr std::size_t clients = 2;

/// The clients' threads send, until all of it is accepted.
/// @param port Of the service.
void feed_all(std::uint16_t port, std::size_t lines) {
  std::vector<std::jthread> all;
  all.reserve(clients);
  for (std::size_t i = 0; i < clients; ++i)
    all.emplace_back(
      [=] { feed(port, lines / clients, static_cast<unsigned>(i)); });
}

figures rate_of(std::size_t lines, stopwatch::time_point start,
                const std::string& file) {
  const auto took = nanos_since(start) / 1e9;
  const auto sent = lines / clients * clients;
  if (std::cmp_not_equal(database{file}.count_after(0), sent))
    throw std::runtime_error{"lines are missing"};
  return {{"rate", static_cast<double>(sent) / took}};
}

// -- by hand -------------------------------------------------------------------

/// A bounded queue for threads.
template <class T>
class channel {
public:
  void push(T x) {
    std::unique_lock guard{mtx_};
    changed_.wait(guard, [this] { return items_.size() < capacity; });
    items_.push_back(std::move(x));
    changed_.notify_all();
  }

  /// @returns up to so many, at least one; none at the end.
  std::vector<T> pop(std::size_t most) {
    std::unique_lock guard{mtx_};
    changed_.wait(guard, [this] { return !items_.empty() || closed_; });
    const auto n = std::min(most, items_.size());
    std::vector<T> result;
    result.reserve(n);
    std::move(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(n),
              std::back_inserter(result));
    items_.erase(items_.begin(),
                 items_.begin() + static_cast<std::ptrdiff_t>(n));
    changed_.notify_all();
    return result;
  }

  void close() {
    std::unique_lock guard{mtx_};
    closed_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mtx_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

void write_all(channel<entry>& from, const std::string& file) {
  database db{file};
  for (auto some = from.pop(500); !some.empty(); some = from.pop(500))
    db.write(some);
}

void parse_all(channel<line>& from, channel<entry>& to) {
  for (auto one = from.pop(1); !one.empty(); one = from.pop(1))
    to.push(parse(one.front()));
}

} // namespace

figures hand_log_service(std::size_t size) {
  const support::temporary_folder folder;
  const auto file = folder.file("log.db");
  const ::log_service::settings how;
  channel<entry> entries;
  std::jthread writes{[&] { write_all(entries, file); }};
  std::vector<channel<line>> lines(how.parsers);
  std::vector<std::jthread> parsers;
  parsers.reserve(how.parsers);
  for (auto& x : lines)
    parsers.emplace_back([&] { parse_all(x, entries); });
  intake from{0};
  std::stop_source stop;
  std::int64_t last = 0;
  std::jthread receives{[&] {
    from.run(stop.get_token(), [&](std::string text) {
      const auto n = std::hash<std::string_view>{}(source_of(text));
      lines[n % lines.size()].push({++last, std::move(text)});
      return true;
    });
  }};
  const auto start = stopwatch::now();
  feed_all(from.port(), size);
  stop.request_stop();
  receives.join();
  for (auto& x : lines)
    x.close();
  parsers.clear();
  entries.close();
  writes.join();
  return rate_of(size, start, file);
}

figures troupe_log_service(std::size_t size) {
  const support::temporary_folder folder;
  ::log_service::settings how;
  how.database = folder.file("log.db");
  how.port = 0;
  std::promise<std::uint16_t> listening;
  how.on_listening = [&](std::uint16_t port) { listening.set_value(port); };
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  auto tree = spawn(sys, service(how, std::make_shared<tally>()));
  if (auto err = tree.startup())
    throw std::runtime_error{to_string(err)};
  const auto port = listening.get_future().get();
  const auto start = stopwatch::now();
  feed_all(port, size);
  tree.shutdown();
  return rate_of(size, start, how.database);
}

} // namespace troupe::bench
