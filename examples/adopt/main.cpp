// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A program written for plain CAF, put under supervision: the market stall
// below has five actors of five kinds, and none of them knows troupe. What was
// added is marked with "troupe:". The scale breaks; its supervisor puts a new
// one up, and the day goes on. The output stands at the end.

#include <troupe/run.hpp>             // troupe:
#include <troupe/supervisor_spec.hpp> // troupe:
#include <troupe/type_ids.hpp>        // troupe:

#include <caf/actor_cast.hpp>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exec_main.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_behavior.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// -- the stall -----------------------------------------------------------------

// From CAF 1.0 on there is self->mail(...), and what was before is deprecated.
template <class Self, class Handle, class... Ts>
auto ask(Self* self, const Handle& receiver, Ts... content) {
  if constexpr (requires { self->mail(std::move(content)...); })
    return self->mail(std::move(content)...).request(receiver, 10s);
  else
    return self->request(receiver, 10s, std::move(content)...);
}

template <class Self, class... Ts>
void tell(Self* self, const caf::actor& receiver, Ts... content) {
  if constexpr (requires { self->mail(std::move(content)...); })
    self->mail(std::move(content)...).send(receiver);
  else
    self->send(receiver, std::move(content)...);
}

// They find each other by name. Whoever has it may be another one tomorrow, so
// it is looked up each time.
caf::actor find(caf::actor_system& sys, const std::string& name) {
  return sys.registry().get<caf::actor>(name);
}

template <class Handle>
Handle named(caf::actor_system& sys, const std::string& name, Handle who) {
  sys.registry().put(name, who);
  return who;
}

/// A function: shows what is to be shown.
caf::behavior sign() {
  return {
    [](const std::string& text) {
      std::cout << text + '\n';
      std::cout.flush();
    },
  };
}

/// A class: weighs, until somebody puts an elephant on it.
class scale : public caf::event_based_actor {
public:
  explicit scale(caf::actor_config& cfg) : caf::event_based_actor(cfg) {
    // nop
  }

  caf::behavior make_behavior() override {
    tell(this, find(system(), "seller"), caf::open_atom_v,
         caf::actor_cast<caf::actor>(this));
    return {
      [this](caf::get_atom, int32_t grams) -> caf::result<int32_t> {
        if (grams <= 10'000)
          return grams;
        quit(caf::sec::runtime_error);
        return caf::sec::runtime_error;
      },
    };
  }
};

/// A typed actor: knows what a kilogram costs.
using price_list = caf::typed_actor<caf::result<int32_t>(caf::get_atom)>;

price_list::behavior_type prices() {
  return {
    [](caf::get_atom) { return int32_t{3}; },
  };
}

/// A stateful actor: the till.
struct till_state {
  caf::behavior make_behavior() {
    return {
      [this](caf::add_atom, int32_t x) { cents += x; },
      [this](caf::get_atom) { return cents; },
    };
  }

  int32_t cents = 0;
};

using till = caf::stateful_actor<till_state>;

/// A blocking actor: the seller, who opens when there is a scale, and goes home
/// after the third customer.
void seller(caf::blocking_actor* self) {
  auto& sys = self->system();
  auto show = [&](const std::string& text) {
    tell(self, find(sys, "sign"), text);
  };
  auto failed = [&](const caf::error&) { show("the scale broke"); };
  caf::actor scale;
  // Gets a scale, unless it is told to go.
  auto get_scale = [&] {
    auto got_it = false;
    self->receive(
      [&](caf::open_atom, const caf::actor& who) {
        scale = who;
        got_it = true;
        show("a scale is up");
      },
      [](const caf::exit_msg&) {});
    return got_it;
  };
  auto sell = [&](int32_t grams) {
    int32_t weight = 0;
    int32_t price = 0;
    ask(self, scale, caf::get_atom_v, grams)
      .receive([&](int32_t x) { weight = x; }, failed);
    if (weight == 0)
      return false;
    auto list = sys.registry().get<price_list>("prices");
    ask(self, list, caf::get_atom_v)
      .receive([&](int32_t x) { price = x; }, failed);
    tell(self, find(sys, "till"), caf::add_atom_v, weight * price / 10);
    show("sold " + std::to_string(weight) + " g");
    return true;
  };
  if (!get_scale())
    return;
  for (int32_t grams : {500, 4'000'000, 1500})
    if (!sell(grams) && !get_scale())
      return;
  ask(self, find(sys, "till"), caf::get_atom_v)
    .receive(
      [&](int32_t cents) {
        show("there are " + std::to_string(cents) + " cents in the till");
      },
      failed);
}

} // namespace

// -- the program ---------------------------------------------------------------

int caf_main(caf::actor_system& sys) {
  // troupe: before, what is passed to add_actor was called here, once.
  troupe::supervisor_spec stall{
    .name = "stall",
    .auto_shutdown = troupe::auto_shutdown::any_significant,
  };
  stall.add_actor("sign", {}, [](caf::actor_system& s) { // troupe:
    return named(s, "sign", s.spawn(sign));
  });
  stall.add_actor("prices", {}, [](caf::actor_system& s) { // troupe:
    return named(s, "prices", s.spawn(prices));
  });
  stall.add_actor("till", {}, [](caf::actor_system& s) { // troupe:
    return named(s, "till", s.spawn<till>());
  });
  // troupe: the day is over when the seller goes home, and not before.
  stall.add_actor("seller",
                  {.restart = troupe::restart::transient, .significant = true},
                  [](caf::actor_system& s) {
                    return named(s, "seller", s.spawn<caf::detached>(seller));
                  });
  stall.add_actor("scale", {}, [](caf::actor_system& s) { // troupe:
    return s.spawn<scale>();
  });
  return troupe::run(sys, std::move(stall)); // troupe: also until Ctrl-C
}

CAF_MAIN(caf::id_block::troupe) // troupe: before, CAF_MAIN()

// Output:
//     a scale is up
//     sold 500 g
//     the scale broke
//     a scale is up
//     sold 1500 g
//     there are 600 cents in the till
