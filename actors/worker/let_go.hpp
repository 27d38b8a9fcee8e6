// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/stop_report.hpp"
#include "troupe/time.hpp"
#include "worker/core_ptr.hpp"

#include <vector>

namespace troupe::detail {

/// Lets go of workers on a thread of its own, and waits for that: with the last
/// reference goes the worker's object, whose destructor is the user's code and
/// may not return. Without a thread, and in virtual time, it happens here.
/// @param limit Until when to wait; a tenth of a second at least.
/// @param report Where to add the worker whose destructor has not returned by
///               then, unless it is in there. Those after it are left to that
///               thread.
/// @returns whether all are gone.
bool let_go(std::vector<core_ptr> all, time_point limit, stop_report& report);

} // namespace troupe::detail
