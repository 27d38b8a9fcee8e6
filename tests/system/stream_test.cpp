// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "system/stream.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using stream = troupe::detail::stream<int>;
using sink = troupe::detail::function_sink<int>;

/// A subscriber, and the threads that it is given.
class subscriber {
public:
  enum class thread { here, none, dropped };

  explicit subscriber(stream& from, std::size_t capacity) {
    from.subscribe(sink_ = std::make_shared<sink>(
                     [this](int x) { got.push_back(x); },
                     [](int) { return true; }, capacity,
                     [this](auto f) { run(std::move(f)); },
                     [this](const std::exception_ptr&) { ++complaints; },
                     std::function<void()>{},
                     [this](std::uint64_t n) { said.push_back(n); }));
  }

  [[nodiscard]] std::uint64_t missed() const {
    return sink_->missed();
  }

  void end(bool deliver) {
    sink_->end(deliver);
  }

  thread next = thread::here;
  std::vector<int> got;
  std::vector<std::uint64_t> said; // that so many were missed
  int complaints = 0;

private:
  void run(troupe::detail::unique_function<void()> f) {
    if (next == thread::none)
      throw std::system_error{
        std::make_error_code(std::errc::resource_unavailable_try_again)};
    if (next == thread::here)
      f();
  }

  std::shared_ptr<sink> sink_;
};

} // namespace

TEST_CASE("S28 a buffer that filled while there was no thread is delivered") {
  stream from;
  subscriber who{from, 2};
  who.next = subscriber::thread::none;
  for (auto x : {1, 2, 3})
    from.publish(x);
  CHECK(who.missed() == 1);
  CHECK(who.complaints == 1);
  who.next = subscriber::thread::here;
  from.publish(4); // has no room, and finds a thread
  CHECK(who.got == std::vector{1, 2});
  CHECK(who.missed() == 2);
  CHECK(who.said == std::vector<std::uint64_t>{2}); // together
  from.publish(5);
  CHECK(who.got == std::vector{1, 2, 5});
}

TEST_CASE("S28 what nobody delivers at the end is missed") {
  using enum subscriber::thread;
  for (auto thread : {none, dropped})
    for (auto own_end : {false, true}) {
      stream from;
      subscriber who{from, 3};
      who.next = thread;
      for (auto x : {1, 2})
        from.publish(x);
      CHECK(who.missed() == 0); // The next value tries again.
      if (own_end)
        who.end(true);
      else
        from.close();
      CHECK(who.missed() == 2);
      CHECK(who.said == std::vector<std::uint64_t>{2});
      if (own_end)
        from.close();
      else
        who.end(true);
      CHECK(who.missed() == 2);
      CHECK(who.got.empty());
    }
}

TEST_CASE("S28 a thread that comes too late is missed as well") {
  stream from;
  auto later = std::vector<troupe::detail::unique_function<void()>>{};
  auto got = 0;
  auto who
    = std::make_shared<sink>([&](int) { ++got; }, [](int) { return true; }, 3,
                             [&](auto f) { later.push_back(std::move(f)); },
                             [](const std::exception_ptr&) {});
  from.subscribe(who);
  from.publish(1);
  from.close();
  CHECK(who->missed() == 0); // It may still be delivered.
  later.clear();
  CHECK(who->missed() == 1);
  CHECK(got == 0);
}

TEST_CASE("S28 a value that comes after the end is nobody's") {
  auto got = 0;
  auto complaints = 0;
  auto who
    = std::make_shared<sink>([&](int) { ++got; }, [](int) { return true; }, 3,
                             [](auto f) { f(); },
                             [&](const std::exception_ptr&) { ++complaints; });
  who->end(false); // The publisher has looked before that.
  who->put(std::make_shared<const int>(1));
  CHECK(got == 0);
  CHECK(complaints == 0);
}
