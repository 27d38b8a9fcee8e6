// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "summariser.hpp"

#include <string_view>
#include <utility>
#include <variant>

namespace summarise {

namespace {

failure stopped() {
  return {.why = failure::cause::stopped, .text = "stopped"};
}

} // namespace

summariser::summariser(settings how, screen& out)
  : settings_(std::move(how)), out_(out) {
  // nop
}

troupe::task<> summariser::run() {
  auto client = anthropic_client{settings_.api};
  while (auto item = co_await get_message()) {
    if (*item == end_of_input)
      break;
    out_.begin(item->number, settings_.total, item->title);
    // If the worker is forced, this coroutine is destroyed where it waits, and
    // this is what remains.
    results.push_back({.number = item->number, .problem = stopped()});
    // What owns memory is made in a statement of its own and awaited in the
    // next: GCC 12 destroys such temporaries of a co_await expression twice.
    auto work = summarise_one(client, *std::move(item));
    auto result = co_await std::move(work);
    const auto news = result.problem ? result.problem->text
                                     : "done in " + to_text(result.time);
    out_.remark("  " + news);
    results.back() = std::move(result);
    if (results.back().is_hopeless)
      throw cannot_go_on{news};
    if (!out_.good())
      throw cannot_go_on{"the output cannot be written"};
  }
}

troupe::task<summary> summariser::summarise_one(anthropic_client& client,
                                                article item) {
  using steady = std::chrono::steady_clock;
  const auto begin = steady::now();
  auto result = summary{.number = item.number};
  for (int attempt = 1;; ++attempt) {
    // The call blocks, so it runs on another thread. That it borrows from this
    // frame is safe: the frame lives until the call has returned, whatever
    // happens. A stop does not break the call off, it only bounds it.
    auto call = [this, &client, &item](std::stop_token soon) {
      const auto on_text = [this](std::string_view text) { out_.stream(text); };
      return client.ask(item.text, on_text,
                        {std::move(soon), settings_.now, settings_.grace});
    };
    auto job = offload(std::move(call));
    auto answer = co_await std::move(job);
    if (auto* given = std::get_if<message>(&answer)) {
      result.text = std::move(given->text);
      result.is_cut = given->stop_reason == "max_tokens";
      break;
    }
    result.problem = std::get<failure>(std::move(answer));
    const auto next = settings_.retry.decide(*result.problem, attempt,
                                             random());
    result.is_hopeless = next.what == decision::action::abort;
    if (next.what != decision::action::retry)
      break;
    out_.remark("  " + result.problem->text + "; trying again in "
                + to_text(next.wait));
    if (!co_await sleep_for(next.wait)) {
      result.problem = stopped(); // woken by a stop
      break;
    }
    result.problem.reset();
  }
  result.time = std::chrono::duration_cast<std::chrono::milliseconds>(
    steady::now() - begin);
  co_return result;
}

double summariser::random() {
  return std::uniform_real_distribution{0.0, 1.0}(generator_);
}

} // namespace summarise
