// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/worker.hpp"

#include "durable/desk.hpp"
#include "durable/rules.hpp"

#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

namespace troupe::durable {

basic_worker::basic_worker(queue_base source, const durable::options& how) {
  if (!source.where())
    throw std::invalid_argument{"a durable worker needs a queue of a store; "
                                "get one from troupe::durable::open"};
  if (auto wrong = rules::check(how); !wrong.empty())
    throw std::invalid_argument{"a durable worker of queue \"" + source.name()
                                + "\": " + wrong};
  desk_ = std::make_unique<desk>(*this, std::move(source), how);
}

basic_worker::~basic_worker() = default;

task<> basic_worker::run() {
  std::vector<task<>> parts;
  parts.push_back(desk_->follow_store());
  parts.push_back(desk_->renew_claims());
  for (std::size_t i = 0; i < desk_->options().concurrency; ++i)
    parts.push_back(desk_->handle_jobs());
  auto all = when_all(std::move(parts));
  co_await std::move(all);
  if (desk_->failure())
    std::rethrow_exception(desk_->failure());
}

status_fields basic_worker::describe() {
  return desk_->describe();
}

const durable::options& basic_worker::settings() const noexcept {
  return desk_->options();
}

} // namespace troupe::durable
