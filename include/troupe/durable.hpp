// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

// Jobs that outlive the process: the component `troupe::durable`.

#include "troupe/durable/codec.hpp"
#include "troupe/durable/job.hpp"
#include "troupe/durable/options.hpp"
#include "troupe/durable/periodic.hpp"
#include "troupe/durable/receipt.hpp"
#include "troupe/durable/schedule.hpp"
#include "troupe/durable/store.hpp"
#include "troupe/durable/transaction.hpp"
#include "troupe/durable/worker.hpp"
