// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_pool.hpp"

#include "pool/pool_worker.hpp"
#include "pool/router.hpp"
#include "rules/naming.hpp"
#include "supervisor/spec_check.hpp"
#include "supervisor/supervisor_worker.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/submission.hpp"
#include "worker/spawn.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

pool_plan named(pool_plan x) {
  if (x.options.name.empty())
    x.options.name = rules::snake_case(class_name(x.each->type())) + "_pool";
  return x;
}

/// How a pool is run as a worker.
worker_options options_of(const pool_plan& x) {
  supervisor_spec spec;
  spec.name = x.options.name;
  auto result = troupe::options_of(spec);
  // The queue that messages wait in while there is no worker is bounded as that
  // of one worker, and nobody can hand them over.
  result.queue = x.options.each.worker.queue;
  if (result.queue.on_stop == on_stop::hand_over)
    result.queue.on_stop = on_stop::discard;
  return result;
}

std::string check_pool(pool_plan x) {
  if (auto wrong = rules::check_name("pool", x.options.name); !wrong.empty())
    return wrong;
  if (auto wrong = rules::check_pool_size(x.options.size); !wrong.empty())
    return "pool \"" + x.options.name + "\": its size is wrong: " + wrong;
  if (x.options.routing == routing::by_key && !x.key)
    return "pool \"" + x.options.name
           + "\": its routing is by_key, and it has no function that finds the "
             "key of a message; set one with worker_pool::key";
  // One worker is as good as the others, of which there may be very many.
  x.options.size = std::min(x.options.size, std::size_t{1});
  auto group = std::make_shared<pool_router>(std::move(x))->begin();
  return troupe::check(*group);
}

class pool_factory final : public child_factory {
public:
  explicit pool_factory(pool_plan plan) : plan_(std::move(plan)) {
    // nop
  }

  [[nodiscard]] std::unique_ptr<worker>
  make(caf::actor_system&) const override {
    return std::make_unique<pool_worker>(std::shared_ptr<message_queue>{});
  }

  [[nodiscard]] std::shared_ptr<message_queue> make_queue() const override {
    return std::make_shared<pool_router>(plan_)->own_queue();
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return *plan_.type;
  }

  [[nodiscard]] const worker_role& role() const noexcept override {
    return role_of_pools();
  }

  [[nodiscard]] worker_options run_as(worker_options given) const override {
    auto result = options_of(plan_);
    result.start_timeout = given.start_timeout;
    return result;
  }

  [[nodiscard]] std::string check() const override {
    return check_pool(plan_);
  }

private:
  pool_plan plan_;
};

} // namespace

child_spec child(const pool_plan& plan, child_options options) {
  auto pool = named(plan);
  auto name = pool.options.name;
  return {std::move(name), std::move(options),
          std::make_shared<pool_factory>(std::move(pool))};
}

pool_handle spawn_pool(caf::actor_system& sys, const pool_plan& plan) {
  auto pool = named(plan);
  if (auto wrong = check_pool(pool); !wrong.empty())
    throw std::invalid_argument(wrong);
  auto router = std::make_shared<pool_router>(pool);
  auto* result = make_core(sys, options_of(pool), *pool.type, role_of_pools(),
                           std::make_unique<pool_worker>(router->own_queue()),
                           nullptr);
  result->rt().add_root(*result);
  return pool_handle{access::make<worker_handle>(result)};
}

// -- pool_handle ---------------------------------------------------------------

namespace {

std::shared_ptr<pool_router> router_behind(const worker_handle& who) {
  auto* core = access::core_of(who);
  return core != nullptr ? router_of(*core) : nullptr;
}

} // namespace

std::size_t pool_handle::size() const {
  auto pool = router_behind(*this);
  return pool ? pool->size() : 0;
}

child_call pool_handle::resize(std::size_t n) const {
  auto pool = router_behind(*this);
  if (!pool)
    return access::make<child_call>(std::make_shared<child_call::progress>(
      nullptr, child_result{null_handle(), {}}));
  auto* core = get_core();
  auto call = std::make_shared<child_call::progress>(core->shared_rt());
  if (core->rt().forked())
    call->finish({error_after_fork(core->subject()), {}});
  else if (core->finished())
    call->finish({caf::make_error(errc::supervisor_stopping,
                                  core->subject() + " has ended"),
                  {}});
  else if (auto wrong = rules::check_pool_size(n); !wrong.empty())
    call->finish(
      {caf::make_error(errc::invalid_argument,
                       core->subject() + " keeps its size: " + wrong),
       {}});
  else
    pool->resize(n, call);
  return access::make<child_call>(std::move(call));
}

void pool_handle::assign(message_queue::node& x) const {
  if (auto pool = router_behind(*this))
    pool->assign(x);
}

void pool_handle::assign(message_queue::node& x, std::uint64_t hash) noexcept {
  x.partition = rules::partition_of(hash);
}

bool pool_handle::push(message_queue::node_ptr x) const {
  auto pool = router_behind(*this);
  submission message{std::move(x)};
  return pool && pool->submit(message) == receipt::taken;
}

} // namespace troupe
