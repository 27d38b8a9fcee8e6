// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/node_core.hpp"

#include "base/wait_for_signal.hpp"
#include "cluster/keys.hpp"
#include "cluster/member_text.hpp"
#include "cluster/node_turn.hpp"
#include "rules/naming.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "troupe/build_config.hpp"
#include "troupe/error.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <utility>

namespace troupe::cluster {

using namespace detail;

namespace {

/// How long no news of the directory are believed without a look.
constexpr timespan full_look = std::chrono::seconds{30};

/// A node without leases looks at nothing.
constexpr timespan some_ttl = std::chrono::seconds{15};

node_options completed(node_options x) {
  if (auto wrong = troupe::rules::check_name("node", x.name); !wrong.empty())
    throw std::invalid_argument(wrong);
  const auto at = "node \"" + x.name + "\": ";
  for (const auto& role : x.roles)
    if (auto wrong = troupe::rules::check_name("role", role); !wrong.empty())
      throw std::invalid_argument(at + wrong);
  if (!x.directory)
    x.directory = static_list({{.name = x.name,
                                .address = x.listen,
                                .roles = x.roles,
                                .build = "troupe " TROUPE_VERSION_STRING}});
  if (auto wrong = x.directory->check(); !wrong.empty())
    throw std::invalid_argument(at + wrong);
  return x;
}

} // namespace

node_core::node_core(caf::actor_system& sys, node_options how)
  : rt_(runtime::of(sys)),
    how_(completed(std::move(how))),
    directory_(how_.directory),
    connection_(directory_->connect(sys, how_.name)),
    session_(connection_ ? directory_->ttl() : some_ttl),
    members_(directory_->fixed_members()),
    heard_at_(now()) {
  // nop
}

node_core::~node_core() {
  if (timer_)
    rt_->time().unschedule(*timer_);
}

time_point node_core::now() const noexcept {
  if (rt_->has_virtual_time())
    return rt_->time().now();
  // It goes on while the machine is asleep, as the directory's does.
  timespec x{};
  ::clock_gettime(CLOCK_BOOTTIME, &x);
  return time_point{std::chrono::seconds{x.tv_sec}
                    + std::chrono::nanoseconds{x.tv_nsec}};
}

// -- properties ------------------------------------------------------------------

bool node_core::is_silent() const {
  return connection_
         && now() >= deadline_after(heard_at_, session_.ttl() / 5 * 2);
}

std::string node_core::trouble() const {
  if (leaving_)
    return "node \"" + how_.name + "\" has left the cluster";
  if (!taken_by_.empty())
    return taken_by_;
  if (is_silent())
    return directory_->name() + " does not answer"
           + (last_error_.empty() ? std::string{} : ": " + last_error_);
  return {};
}

node_status node_core::status() {
  std::unique_lock guard{mtx_};
  node_status result{.name = how_.name};
  if (session_.is_live())
    result.epoch = session_.epoch();
  if (session_.lease() != 0)
    result.valid_for = time_left(session_.valid_until(), now());
  result.trouble = trouble();
  return result;
}

member_list node_core::members() {
  std::unique_lock guard{mtx_};
  member_list result{members_, std::nullopt};
  if (is_silent())
    result.unknown_for = time_left(now(), heard_at_);
  return result;
}

caf::error node_core::wait_until_member(timespan within) {
  if (rt_->would_block())
    return caf::make_error(errc::would_block,
                           "node \"" + how_.name
                             + "\": a troupe actor must not wait for it");
  if (!connection_)
    return {};
  const auto limit = deadline_after(rt_->time().now(), within);
  const auto is_there = [this] {
    std::unique_lock guard{mtx_};
    return session_.is_live();
  };
  const auto wait = [this, limit] {
    std::unique_lock guard{mtx_};
    wait_for_signal(changed_, guard, limit,
                    [this] { return session_.is_live(); });
  };
  if (rt_->block_until(is_there, limit, wait, [this] {
        return "waiting until node \"" + how_.name + "\" is a member";
      }))
    return {};
  std::unique_lock guard{mtx_};
  auto why = trouble();
  if (why.empty())
    why = directory_->name()
          + (last_error_.empty() ? " has not answered yet"
                                 : ": " + last_error_);
  return caf::make_error(errc::timed_out, "node \"" + how_.name
                                            + "\" is not a member yet: " + why);
}

std::string node_core::own_text() const {
  return encode_member({.address = how_.listen,
                        .roles = how_.roles,
                        .build = "troupe " TROUPE_VERSION_STRING});
}

void node_core::log(unsigned level, const std::string& text) {
  after_unlock_.push_back([rt = rt_, level, text] { rt->log(level, text); });
}

// -- life ------------------------------------------------------------------------

void node_core::begin() {
  if (!connection_)
    return;
  connection_->watch(keys::root(directory_->prefix()),
                     [weak = weak_from_this()] {
                       if (const auto self = weak.lock()) {
                         turn t{*self};
                         self->look();
                       }
                     });
  turn t{*this};
  heed(session_.begin(now()));
  look();
}

void node_core::leave() {
  turn t{*this};
  if (std::exchange(leaving_, true))
    return;
  for (auto i = contests_.begin(); i != contests_.end(); ++i)
    heed(i, i->second.campaign.session_ended(now(), "its node leaves"));
}

bool node_core::is_needed() const {
  using phase = rules::campaign::phase;
  return std::any_of(contests_.begin(), contests_.end(), [](const auto& x) {
    const auto at = x.second.campaign.at();
    return at == phase::holding || at == phase::stopping
           || at == phase::hanging;
  });
}

void node_core::part() {
  if (leaving_ && !is_needed())
    heed(session_.leave());
}

void node_core::tick() {
  const auto time = now();
  heed(session_.tick(time));
  for (auto i = contests_.begin(); i != contests_.end(); ++i)
    heed(i, i->second.campaign.tick(time));
  if (time >= look_at_) {
    looking_ = false; // no answer has come
    look();
  }
}

void node_core::schedule() {
  if (!connection_)
    return;
  const auto time = now();
  auto due = std::min(session_.due(), look_at_);
  for (const auto& [name, x] : contests_)
    due = std::min(due, x.campaign.due());
  if (!is_silent())
    due = std::min(due, deadline_after(heard_at_, session_.ttl() / 5 * 2));
  if (timer_)
    rt_->time().unschedule(*timer_);
  if (leaving_ && !is_needed())
    return;
  // Code that relies on the lease keeps this alive when its node is gone. The
  // clock of a test would never let go of it, since this holds that.
  const auto stays = leaving_ && !rt_->has_virtual_time();
  timer_ = make_job(
    [weak = weak_from_this(), keep = stays ? shared_from_this() : nullptr] {
      if (const auto self = weak.lock()) {
        turn t{*self};
        self->tick();
      }
    });
  rt_->time().schedule(*timer_,
                       deadline_after(rt_->time().now(), time_left(due, time)));
}

void node_core::tell_hosts() {
  auto now_so = trouble();
  if (now_so == told_trouble_)
    return;
  told_trouble_ = std::move(now_so);
  log(told_trouble_.empty() ? compat::log_info : compat::log_warning,
      "node \"" + how_.name
        + "\": " + (told_trouble_.empty() ? "all is well" : told_trouble_));
  for (auto& [name, x] : contests_)
    if (x.host != nullptr)
      x.host->changed().set();
}

// -- the session -----------------------------------------------------------------

void node_core::heed(const rules::session_orders& orders) {
  using what = rules::session_order::what;
  for (const auto& order : orders) {
    switch (order.order) {
      case what::ask:
        ask_for_lease();
        break;
      case what::put_member:
        put_member(order.lease);
        break;
      case what::renew:
        renew(order.lease);
        break;
      case what::revoke:
        connection_->revoke(order.lease);
        break;
      case what::began:
        taken_by_.clear();
        log(compat::log_info, "node \"" + how_.name + "\" is a member, epoch "
                                + std::to_string(order.epoch));
        for (auto i = contests_.begin(); i != contests_.end(); ++i)
          heed(i, i->second.campaign.session_began(now(), order.lease,
                                                   session_.valid_until()));
        changed_.notify_all();
        rt_->notify();
        break;
      case what::ended:
        log(compat::log_warning,
            "node \"" + how_.name + "\" is no member any more: " + order.text);
        for (auto i = contests_.begin(); i != contests_.end(); ++i)
          heed(i, i->second.campaign.session_ended(now(), order.text));
        break;
      case what::taken: {
        const auto other = decode_member(how_.name, order.text, 0);
        taken_by_ = "node \"" + how_.name + "\" (" + to_string(how_.listen)
                    + "): a process at " + to_string(other.address)
                    + " has that name; give one of them another name, or wait "
                      "until the lease of that one has run out";
        taken_by_ = troupe::rules::printable(taken_by_);
        break;
      }
    }
  }
}

void node_core::ask_for_lease() {
  const auto asked = now();
  connection_->grant(
    session_.ttl(),
    taker_of<granted_lease>(
      [asked](node_core& self, const reply<granted_lease>& x) {
        const auto time = self.now();
        self.heed(
          x ? self.session_.leased(time, asked, x->lease, x->ttl)
            : self.session_.failed(time, rules::session_order::what::ask, 0));
      }));
}

void node_core::put_member(rules::lease_id lease) {
  connection_->claim(
    keys::member(directory_->prefix(), how_.name), own_text(), lease,
    taker_of<rules::claim_answer>(
      [lease](node_core& self, const reply<rules::claim_answer>& x) {
        const auto time = self.now();
        self.heed(x ? self.session_.joined(time, lease, *x)
                    : self.session_.failed(
                        time, rules::session_order::what::put_member, lease));
      }));
}

void node_core::renew(rules::lease_id lease) {
  const auto asked = now();
  connection_->keep_alive(
    lease,
    taker_of<bool>([asked, lease](node_core& self, const reply<bool>& x) {
      const auto time = self.now();
      if (!x) {
        self.heed(
          self.session_.failed(time, rules::session_order::what::renew, lease));
        return;
      }
      self.heed(self.session_.renewed(time, asked, lease, *x));
      if (!self.session_.is_live() || self.session_.lease() != lease)
        return;
      for (auto i = self.contests_.begin(); i != self.contests_.end(); ++i)
        self.heed(i, i->second.campaign.session_renewed(
                       time, self.session_.valid_until()));
    }));
}

// -- the keys --------------------------------------------------------------------

void node_core::look() {
  if (std::exchange(looking_, true)) {
    look_again_ = true;
    return;
  }
  look_again_ = false;
  look_at_ = deadline_after(now(), rules::answer_within(session_.ttl()));
  connection_->list(
    keys::root(directory_->prefix()),
    taker_of<listing>([](node_core& self, const reply<listing>& x) {
      self.looking_ = false;
      if (!x) {
        self.look_at_ = deadline_after(self.now(),
                                       rules::retry_after(self.session_.ttl()));
        return;
      }
      self.look_at_ = deadline_after(self.now(), full_look);
      self.see(*x);
      if (self.look_again_)
        self.look();
    }));
}

void node_core::see(const listing& what) {
  const auto time = now();
  const auto members = keys::member(directory_->prefix(), {});
  const auto own = members + how_.name;
  std::vector<member> found;
  auto lease = rules::lease_id{0};
  for (const auto& x : what.entries) {
    if (!x.key.starts_with(members))
      continue;
    if (x.key == own)
      lease = x.lease;
    found.push_back(
      decode_member(x.key.substr(members.size()), x.value, x.made_at));
  }
  members_ = std::move(found);
  if (session_.is_live() && lease != session_.lease())
    heed(session_.key_missed(time, what.at));
  for (auto i = contests_.begin(); i != contests_.end(); ++i) {
    const auto key = keys::singleton(directory_->prefix(), i->first);
    std::optional<rules::claim_answer> holder;
    for (const auto& x : what.entries)
      if (x.key == key)
        holder = {what.at, x.made_at, x.lease, x.value};
    heed(i, i->second.campaign.seen(time, what.at, holder));
  }
}

void node_core::put_guarded(const grant& guard, const std::string& key,
                            const std::string& value, taker<bool> to) {
  connection_->put_guarded(key, value, guard.key(), guard.token().revision,
                           std::move(to));
}

bool node_core::is_own_key(const std::string& key) const {
  return key.starts_with(keys::root(directory_->prefix()));
}

} // namespace troupe::cluster
