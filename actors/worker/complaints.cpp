// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Tells of failures that would go unseen.

#include "worker/complaints.hpp"

#include "rules/complaints.hpp"
#include "worker/worker_core.hpp"

#include <string>

namespace troupe::detail {

read_mark complaints::get_mark() {
  if (!of_.is_top())
    return {};
  const held guard{of_.mtx_};
  const auto& end = of_.life_.end();
  if (!end.is_known || end.how.kind() != outcome_kind::failed)
    return {};
  if (!end.read)
    of_.life_.make_end().read = read_mark::make();
  return end.read;
}

void complaints::end_reached() noexcept {
  tell_unread(of_.has_handles());
}

void complaints::tell_unread() noexcept {
  tell_unread(false);
}

[[gnu::cold]] void complaints::tell_unread(bool may_be_read) noexcept {
  if (!of_.is_top() || !of_.rt().complains(compat::log_error))
    return;
  std::string text;
  {
    const held guard{of_.mtx_};
    if (!of_.over_)
      return;
    auto& end = of_.life_.make_end();
    const auto when
      = rules::about({.has_failed = end.how.kind() == outcome_kind::failed,
                      .was_read = end.read.is_set(),
                      .may_be_read = may_be_read});
    of_.arm(guard, when == rules::complaint::later
                     ? deadline_after(of_.rt().time().now(),
                                      rules::patience_with_readers)
                     : never);
    if (when != rules::complaint::now)
      return;
    // Once.
    if (!end.read)
      end.read = read_mark::make();
    end.read.set();
    text = rules::unread_failure(of_.subject(), text_of(end.how.reason()));
  }
  of_.rt().complain(compat::log_error, text);
}

[[gnu::cold]] void complaints::tell_abandoned() noexcept {
  if (!of_.rt().complains(compat::log_warning))
    return;
  std::string text;
  {
    const held guard{of_.mtx_};
    const auto& end = of_.life_.end();
    // Its watchdog has told of it, or the report of the stop does.
    if (end.hung_for != timespan::zero() || end.limits.abandon != never)
      return;
    const auto& how = end.how;
    for (const auto* x : {&how.reason(), &how.cleanup_error()})
      if (*x == errc::abandoned)
        text = text_of(*x);
  }
  if (text.empty())
    text = of_.subject() + " was abandoned";
  text += rules::about_code_that_hangs;
  of_.rt().complain(compat::log_warning, text);
}

} // namespace troupe::detail
