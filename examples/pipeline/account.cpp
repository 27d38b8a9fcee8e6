// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "account.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

namespace pipeline {

// [snippet pipeline-settle]
account settle(const intake& in, const result& out) {
  account result{.read = in.lines, .counted = out.lines};
  // What was in a queue at the end, or came too late.
  auto left = [](const troupe::queue_counts& x) {
    return x.queued + x.in_progress + x.dead_letters() - x.lost;
  };
  auto sent_to_parsers = uint64_t{0};
  for (const auto& parser : in.parsers) {
    const auto counts = parser.queue();
    sent_to_parsers += counts.sent;
    result.lost_by_parsers += counts.lost;
    result.restarts += parser.incarnation() - 1;
    result.left += left(counts);
  }
  result.lost_by_writer = in.writer.queue().lost;
  result.left += left(in.writer.queue());
  result.restarts += in.writer.incarnation() - 1;
  // Lines that were read and not sent on.
  result.left += in.lines + in.ends - sent_to_parsers;
  // The ends of input go the same way, and are no lines.
  result.left -= in.ends - out.ends;
  return result;
}
// [end]

void print(std::ostream& to, const result& what) {
  auto width = size_t{4};
  for (const auto& [kind, each] : what.rows)
    width = std::max(width, kind.size());
  auto put = [&](const auto& kind, const auto&... cells) {
    to << std::left << std::setw(static_cast<int>(width)) << kind << std::right;
    ((to << std::setw(10) << cells), ...);
    to << '\n';
  };
  put("kind", "files", "lines", "blank", "words", "to do");
  for (const auto& [kind, each] : what.rows)
    put(kind, each.files.size(), each.lines, each.blank, each.words,
        each.to_do);
}

void print(std::ostream& to, const account& what) {
  auto put = [&to](uint64_t count, const char* text) {
    to << std::setw(10) << count << "  " << text << '\n';
  };
  put(what.read, "lines were read:");
  put(what.counted, "are counted above");
  put(what.lost_by_parsers, "were lost because a parser failed on them");
  put(what.lost_by_writer, "were lost because the writer failed on them");
  put(what.left, "were left behind when it was stopped");
  to << what.restarts << " restarts. "
     << (what.adds_up() ? "The account adds up.\n"
                        : "THE ACCOUNT DOES NOT ADD UP.\n");
}

} // namespace pipeline
