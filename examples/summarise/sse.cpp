// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "sse.hpp"

#include <utility>

namespace summarise {

sse_parser::sse_parser(handler on_event, size_t max_size)
  : on_event_(std::move(on_event)), max_size_(max_size) {
  // nop
}

void sse_parser::feed(std::string_view piece) {
  while (!piece.empty()) {
    if (std::exchange(after_cr_, false) && piece.front() == '\n') {
      piece.remove_prefix(1);
      continue;
    }
    const auto end = piece.find_first_of("\r\n");
    const auto text = piece.substr(0, end);
    if (line_.size() + data_.size() + text.size() > max_size_)
      throw sse_error{"an event has more than " + std::to_string(max_size_)
                      + " bytes"};
    line_ += text;
    if (end == std::string_view::npos)
      return;
    after_cr_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    end_line();
  }
}

void sse_parser::end_line() {
  auto line = std::string_view{line_};
  if (std::exchange(at_start_, false) && line.starts_with("\xEF\xBB\xBF"))
    line.remove_prefix(3);
  if (line.empty()) {
    dispatch();
  } else if (const auto colon = line.find(':');
             colon == std::string_view::npos) {
    field(line, {});
  } else if (colon > 0) { // else it is a comment
    auto value = line.substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    field(line.substr(0, colon), value);
  }
  line_.clear();
}

void sse_parser::field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    if (has_data_)
      data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
}

void sse_parser::dispatch() {
  auto event = sse_event{std::exchange(type_, {}), std::exchange(data_, {})};
  if (!std::exchange(has_data_, false))
    return;
  if (event.type.empty())
    event.type = "message";
  on_event_(event);
}

} // namespace summarise
