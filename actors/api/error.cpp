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
