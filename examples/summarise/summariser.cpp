// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "summariser.hpp"

#include "failure.hpp"
#include "retry.hpp"

#include <troupe/error.hpp>

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace summarise {

namespace {

std::string plan(const troupe::on_error& policy, int failures) {
  using action = troupe::on_error::action;
  if (policy.what() != action::retry || failures > policy.times())
    return {};
  const auto& wait = policy.backoff();
  if (wait.jitter > 0)
    return "; trying again soon"; // nobody knows exactly when
  return "; trying again in "
         + to_text(
           std::chrono::duration_cast<std::chrono::milliseconds>(wait.initial));
}

} // namespace

summariser::summariser(const api_settings& api, ledger& results, screen& out)
  : queue_worker([this](const article& item) { return summarise(item); }),
    client_(api),
    results_(results),
    out_(out) {
  // nop
}

troupe::task<> summariser::summarise(const article& item) {
  if (!out_.good())
    throw no_summary{{.why = failure::cause::no_reader,
                      .text = "the output cannot be written"}};
  auto shown = out_.begin(results_.name_of(item), results_.begin(item));
  // The call blocks, so it runs on another thread. That it borrows from this
  // frame is safe: the frame lives until the call has returned, whatever
  // happens. A stop lets it go on; it ends at once when that takes too long.
  auto call = [&](std::stop_token, std::stop_token force) {
    const auto on_text = [&](std::string_view text) { shown.stream(text); };
    return client_.ask(item.text, on_text, force);
  };
  // What owns memory is made in a statement of its own and awaited in the next:
  // GCC 12 destroys such temporaries of a co_await expression twice.
  auto job = offload(std::move(call));
  auto answer = co_await std::move(job);
  if (auto* problem = std::get_if<failure>(&answer))
    throw no_summary{std::move(*problem)};
  const auto is_cut = std::get<message>(answer).stop_reason == "max_tokens";
  shown.remark("  done in " + to_text(results_.finish(item, is_cut)));
}

// [snippet summarise-policy]
troupe::on_error summariser::policy_for(const article& item,
                                        const std::exception_ptr& thrown,
                                        int failures) {
  auto policy = queue_worker::policy_for(item, thrown, failures);
  try {
    std::rethrow_exception(thrown);
  } catch (const no_summary& error) {
    policy = reaction_to(error.why, policy);
  } catch (...) {
    // What nobody knows may pass.
  }
  out_.note(results_.name_of(item) + ": " + troupe::text_of(thrown)
            + plan(policy, failures));
  return policy;
}
// [end]

} // namespace summarise
