// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "compare.hpp"

namespace troupe::bench {

void compare(report& out, row what, const samples& ours,
             const probe_command& whose, const samples& theirs,
             const std::string& figure, const std::string& their_figure) {
  what.troupe = median(ours.at(figure));
  if (whose.missing.empty())
    what.peer = peer{whose.label, median(theirs.at(their_figure))};
  else
    what.missing_peer = whose.label + ": " + whose.missing;
  out.add(what);
}

} // namespace troupe::bench
