// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/call_later.hpp"

#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/error.hpp"

#include <utility>

namespace troupe {

using namespace detail;

delayed_call call_after(caf::actor_system& sys, timespan delay,
                        unique_function<void()> f) {
  auto rt = runtime::of(sys);
  auto job
    = make_job([weak = std::weak_ptr<runtime>{rt}, f = std::move(f)]() mutable {
        auto there = weak.lock();
        if (!there)
          return;
        auto call = [weak, f = std::move(f)]() mutable {
          try {
            f();
          } catch (...) {
            if (auto still_there = weak.lock())
              still_there->complain(compat::log_error,
                                    "a function given to call_later failed: "
                                      + text_of(std::current_exception()));
          }
        };
        try {
          there->run_on_thread(std::move(call), threads::at_stop::join);
        } catch (...) {
          there->complain(compat::log_error,
                          "a function given to call_later was not called: "
                            + text_of(std::current_exception()));
        }
      });
  auto& time = rt->time();
  time.schedule(*job, deadline_after(time.now(), delay));
  return delayed_call{std::move(rt), time, std::move(job)};
}

} // namespace troupe
