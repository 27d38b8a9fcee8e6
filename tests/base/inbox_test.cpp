// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/inbox.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace {

struct letter {
  std::size_t from = 0;
  std::size_t number = 0;
  letter* next = nullptr;
};

using inbox = troupe::detail::inbox<letter>;

std::vector<std::size_t> numbers(const letter* list) {
  std::vector<std::size_t> result;
  for (; list != nullptr; list = list->next)
    result.push_back(list->number);
  return result;
}

using list = std::vector<std::size_t>;

} // namespace

TEST_CASE("an inbox takes nothing before it is opened") {
  letter x;
  inbox uut;
  CHECK(uut.is_shut());
  CHECK(uut.empty());
  CHECK_FALSE(uut.push(&x));
  CHECK(uut.take() == nullptr);
  CHECK(uut.is_shut());
}

TEST_CASE("an inbox gives out the newest at the front") {
  std::array<letter, 4> xs;
  for (std::size_t i = 0; i < xs.size(); ++i)
    xs[i].number = i;
  inbox uut;
  uut.open();
  CHECK(uut.take() == nullptr);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(uut.push(&xs[i]));
  CHECK_FALSE(uut.empty());
  CHECK(numbers(uut.take()) == list{2, 1, 0});
  CHECK(uut.empty());
  CHECK(uut.push(&xs[3]));
  CHECK(numbers(uut.take()) == list{3});
}

TEST_CASE("an inbox that is shut gives out what was there") {
  std::array<letter, 3> xs;
  for (std::size_t i = 0; i < xs.size(); ++i)
    xs[i].number = i;
  inbox uut;
  uut.open();
  CHECK(uut.push(&xs[0]));
  CHECK(uut.push(&xs[1]));
  CHECK(numbers(uut.shut()) == list{1, 0});
  CHECK(uut.shut() == nullptr);
  CHECK_FALSE(uut.push(&xs[2]));
  uut.open();
  CHECK(uut.push(&xs[2]));
  uut.open(); // again, which is not to lose it
  CHECK(numbers(uut.take()) == list{2});
}

TEST_CASE("what many bring to an inbox is there once, each's in order") {
  constexpr std::size_t num_threads = 3;
  constexpr std::size_t each = 20'000;
  inbox uut;
  uut.open();
  std::mutex other_way_in; // while it is shut
  std::vector<letter*> collected;
  auto collect = [&](letter* newest) {
    const auto before = collected.size();
    for (; newest != nullptr; newest = newest->next)
      collected.push_back(newest);
    std::reverse(collected.begin() + static_cast<std::ptrdiff_t>(before),
                 collected.end());
  };
  std::vector<std::vector<letter>> letters(num_threads);
  std::atomic<std::size_t> still_bringing{num_threads};
  {
    std::vector<std::jthread> threads;
    for (std::size_t from = 0; from < num_threads; ++from)
      threads.emplace_back([&, from] {
        auto& mine = letters[from];
        mine.resize(each);
        for (std::size_t i = 0; i < each; ++i) {
          mine[i].from = from;
          mine[i].number = i;
          if (uut.push(&mine[i]))
            continue;
          std::unique_lock guard{other_way_in};
          collect(uut.take());
          collected.push_back(&mine[i]);
        }
        --still_bringing;
      });
    // As a queue does: shut when it is found empty, open when something comes.
    while (still_bringing != 0) {
      std::unique_lock guard{other_way_in};
      if (uut.is_shut())
        uut.open();
      else if (uut.empty())
        collect(uut.shut());
      else
        collect(uut.take());
    }
  }
  collect(uut.shut());
  REQUIRE(collected.size() == num_threads * each);
  std::array<std::size_t, num_threads> expected{};
  std::size_t out_of_order = 0;
  for (auto* x : collected)
    out_of_order += x->number == expected[x->from]++ ? 0 : 1;
  CHECK(out_of_order == 0);
}
