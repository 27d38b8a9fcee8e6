// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/core_identity.hpp"

#include "rules/naming.hpp"
#include "rules/reasons.hpp"
#include "worker/worker_role.hpp"

namespace troupe::detail {

caf::error null_handle() {
  return caf::make_error(errc::invalid_argument,
                         "a handle that points to no worker was used; assign "
                         "what spawn() returned");
}

std::string core_identity::subject() const {
  return rules::subject(path_);
}

std::string core_identity::cause_of(const caf::error& reason) const {
  auto text = text_of(reason);
  if (reason != errc::child_failed && kind() != child_kind::supervisor)
    return text;
  return std::string{rules::first_cause(text, subject())};
}

child_kind core_identity::kind() const noexcept {
  return config_->role->kind();
}

} // namespace troupe::detail
