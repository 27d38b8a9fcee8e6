// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/arrivals.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace {

struct node {
  std::size_t number = 0;
  node* next = nullptr;
};

/// Nodes in the order of their coming, of which some are in an inbox.
class inbox {
public:
  explicit inbox(std::size_t n) : all_(n) {
    for (std::size_t i = 0; i < n; ++i)
      all_[i].number = i;
  }

  void bring(std::size_t n) {
    for (; n > 0; --n) {
      auto& x = all_[brought_++];
      x.next = newest_;
      newest_ = &x;
    }
  }

  node* take() {
    return std::exchange(newest_, nullptr);
  }

private:
  std::vector<node> all_;
  std::size_t brought_ = 0;
  node* newest_ = nullptr;
};

using arrivals = troupe::detail::arrivals<node>;

} // namespace

TEST_CASE("L35 arrivals come in order, however often they are interrupted") {
  // How many come before each look, and after how many questions it stops.
  for (auto each :
       {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{5000}})
    for (auto patience : {1, 2, 7, 1'000'000}) {
      CAPTURE(each, patience);
      constexpr std::size_t looks = 12;
      inbox from{looks * each};
      arrivals moved;
      std::vector<std::size_t> got;
      auto look = [&] {
        auto left = patience;
        return moved.move([&] { return from.take(); },
                          [&](node* x) { got.push_back(x->number); },
                          [&] { return --left == 0; });
      };
      for (std::size_t i = 0; i < looks; ++i) {
        from.bring(each);
        look();
      }
      while (!look()) {
        // Each look gets further.
      }
      REQUIRE(got.size() == looks * each);
      for (std::size_t i = 0; i < got.size(); ++i)
        REQUIRE(got[i] == i);
    }
}

TEST_CASE("L17 moving a million arrivals asks often whether to stop") {
  inbox from{1'000'000};
  from.bring(1'000'000);
  arrivals moved;
  std::size_t put = 0;
  std::size_t asked = 0;
  CHECK_FALSE(moved.move([&] { return from.take(); }, [&](node*) { ++put; },
                         [&] { return ++asked == 1; }));
  CHECK(put == 0);
  CHECK(moved.move([&] { return from.take(); }, [&](node*) { ++put; },
                   [&] {
                     ++asked;
                     return false;
                   }));
  CHECK(put == 1'000'000);
  CHECK(asked >= 2'000'000 / arrivals::steps_unasked);
}

TEST_CASE("arrivals that were put aside come before those of the inbox") {
  // After how many questions the first move stops, and how many come before
  // that and after it.
  for (auto patience : {1, 2, 1'000'000})
    for (auto before : {std::size_t{0}, std::size_t{1}, std::size_t{2000}})
      for (auto after : {std::size_t{0}, std::size_t{1}, std::size_t{2000}}) {
        CAPTURE(patience, before, after);
        inbox from{before + 3 * after};
        arrivals moved;
        std::vector<std::size_t> got;
        auto look = [&](int n) {
          return moved.move([&] { return from.take(); },
                            [&](node* x) { got.push_back(x->number); },
                            [&] { return --n == 0; });
        };
        from.bring(before);
        look(patience);
        for (int i = 0; i < 2; ++i) {
          from.bring(after);
          moved.put_aside(from.take());
        }
        CHECK(moved.count() == before + 2 * after - got.size());
        CHECK(moved.empty() == (moved.count() == 0));
        from.bring(after);
        CHECK(look(1'000'000));
        CHECK(moved.empty());
        REQUIRE(got.size() == before + 3 * after);
        for (std::size_t i = 0; i < got.size(); ++i)
          REQUIRE(got[i] == i);
      }
}
