// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

namespace troupe {

namespace detail {

class clock;
class fiber;
class strand;
class worker_actor;
class waiters;
class worker_core;

} // namespace detail

class child_factory;
class message_handlers;
class outcome;
class supervisor_ref;
class worker;
class worker_handle;

struct child_options;
struct child_spec;
struct supervisor_spec;
struct worker_options;
struct worker_status;

template <class T>
class task;

template <class W>
class worker_ref;

/// A class of workers whose handles can `send`: it names its `message_type`.
template <class W>
concept consumes_messages = requires { typename W::message_type; };

template <consumes_messages W>
class pool_ref;

template <class W>
class scoped_worker;

template <class T>
class queue_consumer;

} // namespace troupe
