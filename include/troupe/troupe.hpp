// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

// Everything, for those who do not count headers. `troupe/testing.hpp` is not
// part of it: a program includes that in its tests.

#include "troupe/ask.hpp"
#include "troupe/call_later.hpp"
#include "troupe/channel.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/config.hpp"
#include "troupe/error.hpp"
#include "troupe/event.hpp"
#include "troupe/handlers.hpp"
#include "troupe/hold.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/offload.hpp"
#include "troupe/options.hpp"
#include "troupe/outcome.hpp"
#include "troupe/path.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/run.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/scoped_worker.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/status.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/task.hpp"
#include "troupe/time.hpp"
#include "troupe/type_ids.hpp"
#include "troupe/when.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_function.hpp"
#include "troupe/worker_handle.hpp"
#include "troupe/worker_ref.hpp"
#include "troupe/yield.hpp"
