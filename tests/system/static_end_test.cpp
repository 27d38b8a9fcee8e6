// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The end of the process: destructors of globals still use the library when
// what it has made later is gone.

#include "troupe/child.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <cstdlib>
#include <typeinfo>

namespace {

class waits : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

void must(bool what, const char* text) {
  if (what)
    return;
  std::fprintf(stderr, "in the destructor of a global: %s\n", text);
  std::_Exit(1);
}

/// Made before `main`, so that its destructor comes after those of all that is
/// made at its first use.
struct last_user {
  // Never destroyed: CAF 0.18 uses what belongs to this thread for that, and
  // that is gone by then.
  troupe::testing::system* sys = nullptr;
  troupe::supervisor_ref tree;

  void begin() {
    troupe::supervisor_spec spec{.name = "tree",
                                 .strategy = troupe::strategy::dynamic};
    sys = new troupe::testing::system;
    tree = troupe::spawn(*sys, spec);
    must(!tree.startup(), "the tree does not start");
    // What it has made is used in the end, and nobody keeps it until then.
    static_cast<void>(troupe::child<waits>("first"));
  }

  ~last_user() {
    if (sys == nullptr)
      return;
    auto spec = troupe::child<waits>("second");
    must(spec.factory->type() == typeid(waits), "the factory is another one");
    must(bool{tree.start_child(spec).get()}, "a child does not start");
    must(tree.status_tree().children.size() == 1, "it is not shown");
    auto alone = troupe::spawn<waits>(*sys, {.name = "alone"});
    must(!alone.outcome(), "one has ended that was not started");
    must(!alone.startup(), "a worker does not start");
    must(alone.shutdown()->ok(), "a worker does not stop");
    must(tree.shutdown()->ok(), "the tree does not stop");
  }
};

last_user last;

} // namespace

TEST_CASE("what is made at its first use outlives the globals") {
  last.begin();
  CHECK(last.tree.state() == troupe::worker_state::running);
}
