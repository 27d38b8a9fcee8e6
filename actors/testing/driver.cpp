// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "testing/driver.hpp"

#include "system/find_pump.hpp"
#include "testing/backend.hpp"

#include <caf/actor_system.hpp>
#include <caf/resumable.hpp>

#include <string_view>
#include <utility>

namespace troupe::testing {

using namespace detail;

namespace {

/// The virtual time at which every system begins. Not the epoch, since that has
/// a meaning of its own to CAF.
constexpr time_point begin_of_time{std::chrono::hours{24}};

/// The job that the calling thread runs at this moment.
thread_local const pump* running_here = nullptr;

/// Which system the calling thread does outside work for.
thread_local const pump* external_to = nullptr;

/// Holds a reference to a job.
struct drop_reference {
  void operator()(caf::resumable* job) const {
    intrusive_ptr_release(job);
  }
};

using job_reference = std::unique_ptr<caf::resumable, drop_reference>;

/// Sets a variable for the length of a scope.
template <class T>
class assigned {
public:
  assigned(T& variable, T value)
    : variable_(variable), previous_(std::exchange(variable, value)) {
    // nop
  }

  assigned(const assigned&) = delete;

  assigned& operator=(const assigned&) = delete;

  ~assigned() {
    variable_ = previous_;
  }

private:
  T& variable_;
  T previous_;
};

std::string seconds_of(timespan length) {
  // CAF offers "2.5s" for the same, but not in the same place in each version.
  auto text = std::to_string(std::chrono::duration<double>(length).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text + "s";
}

std::string count_of(std::size_t number, std::string_view what) {
  auto text = std::to_string(number);
  text += ' ';
  text += what;
  if (number != 1)
    text += 's';
  return text;
}

} // namespace

// -- pump ----------------------------------------------------------------------

pump::~pump() = default;

bool pump::wait_for(const std::function<bool()>& done, time_point limit,
                    const std::function<std::string()>& what) {
  try {
    return run_until(done, limit);
  } catch (const deadlock& x) {
    throw deadlock{what() + ": " + x.what()};
  }
}

pump::external_thread::external_thread(std::shared_ptr<pump> where) noexcept
  : where_(std::move(where)),
    previous_(std::exchange(external_to, where_.get())) {
  // nop
}

pump::external_thread::~external_thread() {
  external_to = previous_;
  where_->external_end();
}

std::shared_ptr<pump> find_pump(caf::actor_system& sys) noexcept {
  return find_driver(sys);
}

// -- who drives ----------------------------------------------------------------

/// The turn of the calling thread to drive, while it lives.
class driver::turn {
public:
  /// Waits until nobody else drives.
  explicit turn(driver& parent) : parent_(parent) {
    if (running_here == &parent)
      throw std::logic_error("a testing::system cannot be run by one of its "
                             "own actors; call from the test");
    lock_type lock{parent_.mtx_};
    parent_.cv_.wait(lock, [this] { return !parent_.driven_; });
    parent_.driven_ = true;
  }

  /// Takes over a turn that has been taken under the lock.
  turn(driver& parent, std::adopt_lock_t) noexcept : parent_(parent) {
    // nop
  }

  turn(const turn&) = delete;

  turn& operator=(const turn&) = delete;

  ~turn() {
    const std::lock_guard guard{parent_.mtx_};
    parent_.driven_ = false;
    parent_.changed();
  }

private:
  driver& parent_;
};

// -- construction --------------------------------------------------------------

driver::driver(system_options options)
  : seed_(options.seed),
    jobs_(options.seed),
    clock_(begin_of_time),
    start_(clock_.now()),
    timers_(clock_, run_action, [this] { notify(); }),
    patience_(options.patience) {
  // nop
}

driver::~driver() = default;

void driver::attach(caf::actor_system& sys) noexcept {
  sys_ = &sys;
}

void driver::system_started() {
  run();
  own_threads_ = sys_->detached_actors();
  roster_.belong_to_caf(sys_->latest_actor_id());
}

// -- pump ----------------------------------------------------------------------

virtual_clock& driver::clock() noexcept {
  return clock_;
}

bool driver::inside() const noexcept {
  return running_here == this;
}

bool driver::run_until(const std::function<bool()>& done, time_point limit) {
  if (inside())
    throw std::logic_error("an actor of a testing::system cannot wait for "
                           "another one by blocking; call from the test");
  if (auto answer = await_turn(done, limit, external_to == this))
    return *answer;
  const turn mine{*this, std::adopt_lock};
  return run_until_impl(done, limit);
}

void driver::external_begin() noexcept {
  const std::lock_guard guard{mtx_};
  ++external_;
  changed();
}

void driver::external_end() noexcept {
  const std::lock_guard guard{mtx_};
  if (stuck_ > 0)
    --stuck_;
  // In this order: a thread that finds no work outside finds the change.
  changed();
  --external_;
}

void driver::notify() noexcept {
  const std::lock_guard guard{mtx_};
  changed();
}

void driver::on_deadlock(std::function<std::string()> describe) {
  const std::lock_guard guard{mtx_};
  describe_.swap(describe);
}

// -- for CAF's scheduler -------------------------------------------------------

void driver::schedule(caf::resumable* job) {
  if (running_here == this && !stopped_) {
    jobs_.push(job);
    return;
  }
  {
    const std::lock_guard guard{mtx_};
    if (!stopped_) {
      incoming_.push_back(job);
      has_incoming_ = true;
      changed();
      return;
    }
  }
  discard(job);
}

void driver::stop() {
  run(last_steps);
  {
    const std::lock_guard guard{mtx_};
    stopped_ = true;
  }
  const turn mine{*this};
  while (auto* job = next_job())
    discard(job);
}

// -- for testing::system -------------------------------------------------------

void driver::patience(timespan real_time) {
  const std::lock_guard guard{mtx_};
  patience_ = real_time;
  stuck_ = 0;
  changed();
}

bool driver::step() {
  const turn mine{*this};
  std::size_t steps = 0;
  while (steps == 0)
    if (!run_something(steps))
      return false;
  return true;
}

std::size_t driver::run(std::size_t at_most) {
  const turn mine{*this};
  return run_all(at_most);
}

void driver::advance(timespan length) {
  if (length < timespan::zero() || length == infinite)
    throw std::invalid_argument("advance: time moves on by a length that is "
                                "neither negative nor infinite");
  const turn mine{*this};
  const auto target = deadline_after(clock_.now(), length);
  do
    run_all(SIZE_MAX);
  while (fire_next(target));
  move_to(target);
  run_all(SIZE_MAX);
}

std::vector<caf::strong_actor_ptr> driver::survivors(bool hidden) {
  const turn mine{*this};
  return roster_.survivors(hidden);
}

bool driver::wait_for_threads(const std::function<bool()>& done) {
  const turn mine{*this};
  const auto limit = end_of_patience();
  for (;;) {
    const auto seen = changes();
    run_all(last_steps);
    if (done())
      return true;
    if (!await_caf(seen, done, limit))
      return false;
  }
}

void driver::close() {
  lock_type lock{mtx_};
  closed_ = true;
  changed();
  cv_.wait(lock, [this] { return guests_ == 0 && !driven_; });
}

// -- driving -------------------------------------------------------------------

bool driver::run_until_impl(const std::function<bool()>& done,
                            time_point limit) {
  for (;;) {
    const auto seen = changes();
    if (done())
      return true;
    std::size_t steps = 0;
    if (run_something(steps) || await_external(seen))
      continue;
    if (fire_next(limit))
      continue;
    if (limit != never) {
      move_to(limit);
      return done();
    }
    if (!await_detached(seen, done))
      throw_deadlock();
  }
}

caf::resumable* driver::next_job() {
  if (has_incoming_.load(std::memory_order_acquire)) {
    const std::lock_guard guard{mtx_};
    for (auto* job : incoming_)
      jobs_.push(job);
    incoming_.clear();
    has_incoming_ = false;
  }
  return jobs_.pop();
}

bool driver::run_job() {
  {
    // Letting go of a job may run code of an actor, too.
    const assigned<const pump*> here{running_here, this};
    job_reference job{next_job()};
    if (!job)
      return false;
    switch (resume(*job, *sys_)) {
      case resumption::again:
        roster_.alive(*job);
        schedule(job.release());
        break;
      case resumption::waiting:
        roster_.alive(*job);
        break;
      case resumption::ended:
        roster_.gone(*job);
        break;
    }
  }
  tell_guests();
  return true;
}

bool driver::run_something(std::size_t& steps) {
  if (run_job()) {
    ++steps;
    return true;
  }
  {
    // An actor that nothing but a timer keeps may go when that is let go of.
    const assigned<const pump*> here{running_here, this};
    timers_.sweep();
  }
  const auto now = clock_.now();
  return clock_.due_bound() <= now && fire_next(now);
}

std::size_t driver::run_all(std::size_t at_most) {
  std::size_t steps = 0;
  while (steps < at_most) {
    const auto seen = changes();
    if (!run_something(steps) && !await_external(seen))
      break;
  }
  return steps;
}

bool driver::fire_next(time_point limit) {
  {
    const assigned<const pump*> here{running_here, this};
    timers_.sweep();
    if (!clock_.fire_next(limit))
      return false;
  }
  tell_guests();
  return true;
}

void driver::move_to(time_point when) {
  {
    const assigned<const pump*> here{running_here, this};
    clock_.advance_to(when);
  }
  tell_guests();
}

void driver::throw_deadlock() {
  std::string text = "deadlock after " + seconds_of(clock_.now() - start_);
  std::function<std::string()> describe;
  {
    const std::lock_guard guard{mtx_};
    if (seed_ != 0)
      text += " (seed " + std::to_string(seed_) + ")";
    text += ": nothing will ever happen again, nobody has a message and no "
            "timer is armed";
    if (stuck_ > 0)
      text += "; " + count_of(stuck_, "thread") + " outside gave no sign of "
              + "life for " + seconds_of(patience_);
    if (parked_ > 0)
      text += "; " + count_of(parked_, "thread") + " outside "
              + (parked_ == 1 ? "waits" : "wait") + " as well";
    describe = describe_;
  }
  if (describe)
    if (auto who = describe(); !who.empty())
      text += "; " + who;
  if (const auto actors = roster_.survivors(false); !actors.empty())
    text += "; alive: " + names_of(actors);
  throw deadlock(text);
}

} // namespace troupe::testing
