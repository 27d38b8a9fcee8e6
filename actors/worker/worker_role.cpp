// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/worker_role.hpp"

#include "troupe/child_spec.hpp"
#include "worker/worker_core.hpp"

namespace troupe {

using namespace detail;

message_sink* worker_role::sink(const worker_core& x) const noexcept {
  return x.queue();
}

bool worker_role::handle_call(worker_core&, caf::mailbox_element&) const {
  return false;
}

namespace {

class plain_role final : public worker_role {
public:
  using worker_role::worker_role;
};

constinit const plain_role plain_worker{child_kind::worker};

} // namespace

const worker_role& detail::role_of_workers() noexcept {
  return plain_worker;
}

child_factory::~child_factory() = default;

const worker_role& child_factory::role() const noexcept {
  return plain_worker;
}

child_kind child_factory::kind() const noexcept {
  return role().kind();
}

worker_options child_factory::run_as(worker_options given) const {
  return given;
}

std::string child_factory::check() const {
  return {};
}

} // namespace troupe
