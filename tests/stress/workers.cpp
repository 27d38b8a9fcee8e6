// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/workers.hpp"

#include "troupe/call_later.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/tree_status.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;

namespace stress {

namespace {

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

} // namespace

void compute(std::chrono::microseconds length) {
  const auto end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end)
    ;
}

// -- the scene -----------------------------------------------------------------

void scene::sit(const std::string& path) {
  if (seats.fetch_sub(1) > 0) {
    eyes.allow_stuck(path);
    is_open.wait(false);
  }
  ++seats;
}

void scene::let_go() {
  is_open = true;
  is_open.notify_all();
}

// -- what is drawn -------------------------------------------------------------

habits some_habits(support::dice& draw) {
  habits result;
  if (draw.chance(10))
    result.start_fails = 20;
  result.starts_slowly = draw.chance(20);
  result.ignores_stops = draw.chance(20);
  result.cleans_up = draw.chance(30);
  result.takes_batches = draw.chance(20);
  return result;
}

troupe::worker_options some_options(support::dice& draw) {
  troupe::worker_options result;
  result.stopping_grace_period = draw.time(20);
  if (draw.chance(10))
    result.start_timeout = draw.time(10);
  auto& queue = result.queue;
  constexpr std::size_t capacities[] = {troupe::unbounded, 1, 4, 64};
  queue.capacity = capacities[draw.below(4)];
  queue.overflow = static_cast<troupe::overflow>(draw.below(4));
  queue.on_stop = static_cast<troupe::on_stop>(draw.below(3));
  queue.redeliver = static_cast<int>(draw.below(3));
  result.cleanup_period = draw.chance(50) ? 20ms : 200ms;
  return result;
}

order some_order(support::dice& draw) {
  // Most messages are for the queue's sake.
  if (draw.chance(70))
    return draw.chance(70) ? order::nothing : order::yield;
  constexpr auto without_sit = static_cast<std::uint64_t>(order::last);
  return static_cast<order>(draw.below(without_sit));
}

// -- hand ----------------------------------------------------------------------

troupe::task<> hand::on_startup() {
  const presence here{scene_.eyes, path(), true};
  const auto life = scene_.lives++;
  if (how_.starts_slowly)
    static_cast<void>(co_await sleep_for(1ms));
  if (life % 100 < how_.start_fails)
    throw std::runtime_error{"a start that fails"};
}

troupe::task<> hand::run() {
  const presence here{scene_.eyes, path()};
  ready(); // or who waits for that would keep it from its end
  auto goes_on = true;
  while (goes_on && how_.takes_batches) {
    auto some = co_await get_messages(4, 100us);
    if (!some)
      break;
    for (auto& x : *some) {
      auto work = obey(std::move(x));
      const auto more = co_await std::move(work);
      goes_on = goes_on && more;
    }
  }
  while (goes_on && !how_.takes_batches) {
    auto x = co_await get_message();
    if (!x)
      break;
    auto work = obey(std::move(*x));
    goes_on = co_await std::move(work);
  }
  if (!goes_on)
    co_return;
  if (how_.ignores_stops)
    for (;;)
      static_cast<void>(co_await sleep_for(1h));
}

troupe::task<> hand::on_shutdown() {
  const presence here{scene_.eyes, path()};
  if (how_.cleans_up)
    static_cast<void>(co_await sleep_for(2ms));
  // The rest of the queue may be taken out.
  while (auto x = co_await get_message(0s))
    ;
}

troupe::task<> hand::hand_over(std::vector<parcel> rest) {
  const presence here{scene_.eyes, path()};
  if (rest.size() % 7 == 1)
    throw std::runtime_error{"a hand-over that fails"};
  static_cast<void>(co_await sleep_for(1ms));
}

troupe::message_handlers hand::handlers() {
  return {
    [](caf::get_atom) { return std::int32_t{1}; },
    [this](caf::get_atom, std::int32_t x) -> troupe::task<std::int32_t> {
      static_cast<void>(co_await sleep_for(std::chrono::microseconds{x}));
      co_return x;
    },
    [this](caf::put_atom, std::int32_t x) {
      if (x % 4 == 0)
        throw std::runtime_error{"a handler that fails"};
      if (x % 4 == 1)
        fail(caf::make_error(caf::sec::runtime_error, "told to fail"));
      if (x % 4 == 2)
        finish();
    },
  };
}

troupe::status_fields hand::describe() {
  return {{"kids", std::to_string(kids_)}};
}

troupe::task<bool> hand::obey(parcel x) {
  switch (x.what) {
    case order::nothing:
      break;
    case order::yield:
      co_await yield();
      break;
    case order::sleep:
      static_cast<void>(co_await sleep_for(200us));
      break;
    case order::compute:
      compute(100us);
      break;
    case order::fail:
      throw std::runtime_error{"told to fail"};
    case order::finish:
      co_return false;
    case order::quit:
      self()->quit();
      break;
    case order::hold: {
      auto drop = [token = hold()]() mutable { token.release(); };
      troupe::call_later(self()->home_system(), 300us, std::move(drop));
      break;
    }
    case order::degrade:
      degraded("told to say so");
      break;
    case order::recover:
      healthy();
      break;
    case order::sit:
      scene_.sit(path());
      break;
    default: {
      auto work = work_with(x);
      co_await std::move(work);
    }
  }
  co_return true;
}

/// Those orders that need somebody else.
troupe::task<> hand::work_with(const parcel& x) {
  const auto& other = scene_.paths[x.whom % scene_.paths.size()];
  if (x.what == order::offload) {
    auto call = offload([](std::stop_token stop) {
      for (int i = 0; i < 10 && !stop.stop_requested(); ++i)
        compute(20us);
    });
    co_await std::move(call);
  } else if (x.what == order::link) {
    constexpr int most_kids = 4;
    if (kids_ == most_kids)
      co_return;
    auto starting = start<kid>({.name = "kid" + std::to_string(kids_++),
                                .stopping_grace_period = 5ms,
                                .on_failure = troupe::on_failure::ignore},
                               scene_, x.whom % 2 == 0);
    static_cast<void>(co_await std::move(starting));
  } else if (x.what == order::race) {
    auto call = offload([] { compute(50us); });
    auto race = when_any(sleep_for(100us), stop_requested(), std::move(call));
    static_cast<void>(co_await std::move(race));
  } else if (x.what == order::supervise) {
    auto above = lookup(parent_of(other));
    if (!above)
      co_return;
    const troupe::supervisor_ref supervisor{*above};
    auto call = x.number % 2 == 0 ? supervisor.restart_child(name_in(other))
                                  : supervisor.terminate_child(name_in(other));
    static_cast<void>(co_await call);
  } else if (x.what == order::observe) {
    auto found = lookup(other);
    if (!found)
      co_return;
    auto race = when_any(found->stopped(), sleep_for(1ms), stop_requested());
    static_cast<void>(co_await std::move(race));
  } else if (auto found = lookup<hand>(other)) {
    if (x.what == order::ask) {
      auto question = ask<std::int32_t>(*found, 20ms, caf::get_atom_v,
                                        std::int32_t{50});
      static_cast<void>(co_await std::move(question));
    } else if (other != path()) {
      auto sending = send_to(*found, parcel{order::nothing, 0});
      auto race = when_any(std::move(sending), sleep_for(5ms));
      static_cast<void>(co_await std::move(race));
    }
  }
}

// -- others --------------------------------------------------------------------

troupe::task<> bare_hand::run() {
  const presence here{scene_.eyes, path(), true};
  while (auto x = co_await get_message()) {
    if (x->what == order::sit)
      scene_.sit(path());
    if (x->what == order::fail)
      throw std::runtime_error{"told to fail"};
  }
}

troupe::task<> kid::run() {
  const presence here{scene_.eyes, path(), true};
  do {
    static_cast<void>(co_await sleep_for(1h));
  } while (stubborn_);
}

void blocker::run(std::stop_token stop) {
  const presence here{scene_.eyes, path(), true};
  static_cast<void>(sleep_for(stop, 1h));
}

clerk::clerk()
  : troupe::queue_worker<parcel>([](const parcel& x) {
      if (x.what == order::fail || x.what == order::quit)
        throw std::runtime_error{"a callback that fails"};
    }) {
  // nop
}

} // namespace stress
