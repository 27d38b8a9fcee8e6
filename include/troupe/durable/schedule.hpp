// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/schedule.hpp"

namespace troupe::durable {

using troupe::cron;
using troupe::missed_slots;
using troupe::schedule;

} // namespace troupe::durable
