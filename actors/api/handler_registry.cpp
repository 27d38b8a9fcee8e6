// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/handler_registry.hpp"

#include <stdexcept>

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

} // namespace troupe
