// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/error.hpp"

#include <caf/message.hpp>

#include <exception>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

namespace {

/// The exception, if it is a `std::exception` and the library tells without
/// having it thrown once more, which would be a third of the cost of a restart.
const std::exception* as_exception(const std::exception_ptr& what) noexcept {
#ifdef __GLIBCXX__
  // As a handler of the C++ runtime does, and `std::exception_ptr_cast` of
  // C++26. The address of the object is the one member of an exception_ptr.
  static_assert(std::is_standard_layout_v<std::exception_ptr>
                && sizeof(what) == sizeof(void*));
  auto* object = *reinterpret_cast<void* const*>(&what);
  if (typeid(std::exception)
        .__do_catch(what.__cxa_exception_type(), &object, 1))
    return static_cast<const std::exception*>(object);
#else
  static_cast<void>(what);
#endif
  return nullptr;
}

/// `what()` of an exception, which may be null where somebody wrote it so.
std::string what_of(const std::exception& x) {
  const char* text = x.what();
  return text != nullptr ? text : "an exception without a text";
}

} // namespace

std::string to_string(errc x) {
  switch (x) {
    case errc::none:
      return "none";
    case errc::already_started:
      return "already_started";
    case errc::not_started:
      return "not_started";
    case errc::would_block:
      return "would_block";
    case errc::start_failed:
      return "start_failed";
    case errc::start_timeout:
      return "start_timeout";
    case errc::stopped_before_ready:
      return "stopped_before_ready";
    case errc::ended_before_ready:
      return "ended_before_ready";
    case errc::worker_failed:
      return "worker_failed";
    case errc::child_failed:
      return "child_failed";
    case errc::forced:
      return "forced";
    case errc::abandoned:
      return "abandoned";
    case errc::cancelled:
      return "cancelled";
    case errc::timed_out:
      return "timed_out";
    case errc::system_gone:
      return "system_gone";
    case errc::queue_closed:
      return "queue_closed";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::max_restarts_exceeded:
      return "max_restarts_exceeded";
    case errc::busy:
      return "busy";
    case errc::supervisor_stopping:
      return "supervisor_stopping";
    case errc::not_found:
      return "not_found";
    case errc::already_present:
      return "already_present";
    case errc::child_running:
      return "child_running";
    case errc::child_restarting:
      return "child_restarting";
    case errc::too_many_children:
      return "too_many_children";
    case errc::queue_full:
      return "queue_full";
    case errc::degraded:
      return "degraded";
    case errc::forked:
      return "forked";
    case errc::receiver_gone:
      return "receiver_gone";
    case errc::store_failed:
      return "store_failed";
  }
  return "invalid";
}

std::string text_of(const caf::error& err) {
  if (!err)
    return {};
  auto& context = err.context();
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return caf::to_string(err);
}

std::string text_of(const std::exception_ptr& what) {
  if (!what)
    return {};
  if (const auto* x = as_exception(what))
    return what_of(*x);
  try {
    std::rethrow_exception(what);
  } catch (const std::exception& x) {
    return what_of(x);
  } catch (const std::string& x) {
    return x;
  } catch (const char* x) {
    return x != nullptr ? x : "null";
  } catch (const caf::error& x) {
    return text_of(x);
  } catch (...) {
    return "an exception of unknown type";
  }
}

start_error::start_error(caf::error cause, std::exception_ptr thrown)
  : std::runtime_error(text_of(cause)),
    cause_(std::move(cause)),
    thrown_(std::move(thrown)) {
  // nop
}

} // namespace troupe
