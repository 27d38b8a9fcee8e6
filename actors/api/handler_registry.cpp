// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/async_consumer.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "worker/worker_core.hpp"

#include <stdexcept>
#include <string>

namespace troupe {

using namespace detail;

handler_key handler_key::parse(std::string_view event) {
  const auto dot = event.find('.');
  if (dot == std::string_view::npos)
    return {std::string{event}, {}};
  const auto tag = event.substr(dot + 1);
  if (tag.find('.') != std::string_view::npos)
    throw std::invalid_argument("event \"" + std::string{event}
                                + "\" has more than one dot; write \"type\" "
                                  "or \"type.tag\"");
  return {std::string{event.substr(0, dot)}, std::string{tag}};
}

void detail::check_handler_tag(std::string_view tag) {
  if (tag.find('.') != std::string_view::npos)
    throw std::invalid_argument("tag \"" + std::string{tag}
                                + "\" has a dot; use another character");
}

void detail::refuse_empty_handler() {
  throw std::invalid_argument("the handler is empty; to remove one, call "
                              "unregister_handler");
}

caf::error detail::why_no_handlers(const worker_handle& of) {
  const auto* core = access::core_of(of);
  if (core == nullptr)
    return caf::make_error(errc::invalid_argument,
                           "the handle points to no worker whose handlers "
                           "could be changed");
  if (core->queue()->load().closed)
    return caf::make_error(errc::queue_closed,
                           core->subject()
                             + " takes no more messages, so it needs no "
                               "handlers; change them before it stops");
  return {};
}

caf::error detail::no_such_handler(const worker_handle& of,
                                   std::string_view name) {
  return caf::make_error(
    errc::not_found, access::core_of(of)->subject()
                       + " has no handler that was added as \""
                       + std::string{name}
                       + "\"; those of its own class cannot be removed from "
                         "outside");
}

} // namespace troupe
