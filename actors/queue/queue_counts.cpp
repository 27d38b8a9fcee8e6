// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "queue/queue_counts.hpp"

namespace troupe {

using namespace detail;

[[gnu::cold]] void detail::add_count(std::string& to, std::uint64_t n,
                                     std::string_view what) {
  if (n == 0)
    return;
  if (!to.empty())
    to += ", ";
  to += std::to_string(n);
  to += ' ';
  to += what;
}

[[gnu::cold]] std::string detail::dead_letters_in(const queue_counts& x) {
  const auto all = x.dead_letters();
  if (all == 0)
    return {};
  std::string why;
  for_each_dead_letter_count(x, [&why](const char* reason, std::uint64_t n) {
    add_count(why, n, reason);
  });
  return std::to_string(all) + (all == 1 ? " dead letter (" : " dead letters (")
         + why + ")";
}

[[gnu::cold]] std::string to_string(const queue_counts& x) {
  std::string result;
  add_count(result, x.sent, "sent");
  add_count(result, x.handled, "handled");
  add_count(result, x.in_progress, "in progress");
  add_count(result, x.queued, "queued");
  add_count(result, x.handed_over, "handed over");
  if (auto dead = dead_letters_in(x); !dead.empty())
    result += (result.empty() ? "" : ", ") + dead;
  return result.empty() ? "0 sent" : result;
}

} // namespace troupe
