// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/queue_worker.hpp"

#include "rules/backoff.hpp"
#include "rules/queueing.hpp"
#include "worker/worker_core.hpp"

#include <functional>
#include <string>

namespace troupe {

using namespace detail;

failed_call failed_call::judge(worker_core& core, const on_error& policy,
                               int failures, const std::exception_ptr& thrown,
                               std::uint64_t& chance) {
  if (chance == 0)
    chance = std::hash<std::string>{}(core.path());
  auto stop = rules::stopping::no;
  if (core.stop_asked())
    stop = core.queue()->drains() ? rules::stopping::drains
                                  : rules::stopping::at_once;
  const auto next = rules::after_failure(policy, failures, stop,
                                         rules::sample(chance));
  switch (next.what) {
    case rules::setback::verdict::fail:
      break;
    case rules::setback::verdict::retry:
      return {verdict::retry, next.delay};
    case rules::setback::verdict::put_off:
      return {verdict::put_off};
    case rules::setback::verdict::skip:
      if (core.rt().logs(compat::log_warning))
        core.rt().log(compat::log_warning,
                      core.subject() + " skips a message, having failed on it: "
                        + text_of(thrown));
      return {verdict::skip};
  }
  std::rethrow_exception(thrown);
}

} // namespace troupe
