// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Workers without a supervisor: what many threads do to one, from its spawn to
// its end and beyond.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/workers.hpp"
#include "support/plain_caf.hpp"
#include "troupe/ask.hpp"
#include "troupe/scoped_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker_function.hpp"

#include <caf/exit_reason.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

/// A worker, and how much was sent to it. The last one who has it ends it.
class subject {
public:
  subject(watch& eyes, troupe::worker_ref<hand> ref)
    : eyes_(eyes), ref_(std::move(ref)) {
    // nop
  }

  ~subject() {
    static_cast<void>(ref_.start()); // or it is not stopped
    static_cast<void>(ref_.shutdown());
    eyes_.is_over(ref_);
    const auto counts = ref_.queue();
    if (counts.sent != sent_)
      eyes_.violated("each message is counted once (Q8)", ref_.path(),
                     std::to_string(sent_)
                       + " were sent: " + to_string(counts));
  }

  subject(const subject&) = delete;

  subject& operator=(const subject&) = delete;

  [[nodiscard]] const troupe::worker_ref<hand>& ref() const noexcept {
    return ref_;
  }

  void send(order what, std::uint32_t whom) {
    ++sent_;
    static_cast<void>(ref_.send(parcel{what, whom}));
  }

  /// Waits for room. What is given up was never sent.
  void send_wait(order what, std::uint32_t whom) {
    ++sent_;
    if (ref_.send_wait(parcel{what, whom}, 1ms) == troupe::errc::timed_out)
      --sent_;
  }

private:
  watch& eyes_;
  troupe::worker_ref<hand> ref_;
  std::atomic<std::uint64_t> sent_{0};
};

/// Where the threads of a round find workers.
class room {
public:
  room(scene& where, caf::actor_system& sys) : scene_(where), sys_(sys) {
    // nop
  }

  [[nodiscard]] caf::actor_system& sys() const noexcept {
    return sys_;
  }

  [[nodiscard]] scene& where() const noexcept {
    return scene_;
  }

  [[nodiscard]] std::shared_ptr<subject> get(std::uint64_t n) {
    std::unique_lock guard{mtx_};
    return all_[n % all_.size()];
  }

  /// Puts another worker in that place; the former one goes on while somebody
  /// has it.
  [[nodiscard]] std::shared_ptr<subject> replace(std::uint64_t n, dice draw) {
    auto options = some_options(draw);
    options.name = "w" + std::to_string(made_++);
    if (draw.chance(10))
      options.readiness = troupe::readiness::explicit_ready;
    auto made = std::make_shared<subject>(
      scene_.eyes,
      troupe::spawn<hand>(sys_, options, scene_, some_habits(draw)));
    std::unique_lock guard{mtx_};
    return std::exchange(all_[n % all_.size()], std::move(made));
  }

private:
  scene& scene_;
  caf::actor_system& sys_;
  std::mutex mtx_;
  std::array<std::shared_ptr<subject>, 3> all_;
  std::atomic<std::uint64_t> made_{0};
};

void run_a_scope(const room& here, std::uint64_t number) {
  const troupe::scoped_worker<troupe::worker_function> beating{
    here.sys(),
    {.name = "beating" + std::to_string(number)},
    [] { compute(10us); },
    100us};
  if (number % 2 == 0)
    beating.ref().gracefully_stop();
}

void act(room& here, player& me) {
  auto& draw = me.draw();
  const auto what = draw.below(24);
  const auto which = draw.below(3);
  const auto number = draw.next();
  const auto order = some_order(draw);
  const auto whom = here.get(which);
  if (what == 0 || !whom) {
    auto op = me.begins("spawn", std::to_string(which));
    static_cast<void>(here.replace(which, dice{number}));
    return;
  }
  const auto& ref = whom->ref();
  const auto path = ref.path();
  auto actor = ref.actor();
  auto told = [&](const char* name, auto f) {
    auto op = me.begins(name, path);
    f();
  };
  auto exit = [&](caf::exit_reason why) {
    if (actor)
      support::tell(actor, caf::exit_msg{actor.address(), why});
  };
  switch (what) {
    case 1:
    case 2:
      told("start", [&] { static_cast<void>(ref.start()); });
      break;
    case 3:
      told("startup", [&] { static_cast<void>(ref.startup()); });
      break;
    case 4:
      told("gracefully_stop", [&] { ref.gracefully_stop(); });
      break;
    case 5:
      told("drain", [&] { ref.drain(); });
      break;
    case 6:
      told("force_stop", [&] { ref.force_stop(); });
      break;
    case 7:
      told("shutdown", [&] { static_cast<void>(ref.shutdown()); });
      break;
    case 8:
      told("kill", [&] { exit(caf::exit_reason::kill); });
      break;
    case 9:
      told("exit_msg", [&] { exit(caf::exit_reason::user_shutdown); });
      break;
    case 10:
      told("wait a moment",
           [&] { static_cast<void>(ref.wait_for_shutdown(500us)); });
      break;
    case 11:
      told("ask", [&] {
        static_cast<void>(troupe::ask<std::int32_t>(ref, 5ms, caf::get_atom_v,
                                                    std::int32_t{100}));
      });
      break;
    case 12:
      told("ask to fail", [&] {
        static_cast<void>(troupe::ask<void>(
          ref, 2ms, caf::put_atom_v, static_cast<std::int32_t>(number % 8)));
      });
      break;
    case 13:
      told("scope", [&] { run_a_scope(here, number); });
      break;
    case 14:
    case 15:
      told("look", [&] {
        static_cast<void>(to_string(ref.status()));
        here.where().eyes.adds_up(path, ref.queue());
      });
      break;
    case 16:
      told("send_wait",
           [&] { whom->send_wait(order, static_cast<std::uint32_t>(number)); });
      break;
    default:
      told("send", [&] {
        whom->send(order, static_cast<std::uint32_t>(number));
        for (std::uint64_t i = 0; i < number % 8; ++i)
          whom->send(order::nothing, 0);
      });
  }
}

} // namespace

void play_lives(round& now) {
  scene here{now.eyes()};
  // They have no supervisor through which they could be found.
  here.paths = {"/nobody"};
  auto director = now.make_player(0, "director");
  stage set{now, 1 + director.draw().below(4), long_force_period};
  room all{here, set.sys()};
  std::vector<std::jthread> playing;
  for (std::size_t i = 0; i < now.threads(); ++i)
    playing.push_back(now.play(i + 1, "player", [&](player& me) {
      while (now.goes_on())
        act(all, me);
    }));
  playing.clear();
}

} // namespace stress
