// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace summarise {

/// One server-sent event.
struct sse_event {
  /// The `event` field, or "message" if there was none.
  std::string type;

  /// The `data` fields, joined by newlines.
  std::string data;
};

/// Thrown if the sender does not stick to what a reader can bear.
class sse_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Reads a stream of server-sent events (HTML standard, section 9.2), however
/// the network has cut it into pieces: inside a line, a CRLF or a UTF-8
/// sequence. Ids and reconnection times are skipped, because a request that was
/// a POST is never taken up again where it broke off.
class sse_parser {
public:
  using handler = std::function<void(const sse_event&)>;

  static constexpr size_t default_max_size = 4 * 1024 * 1024;

  /// @param on_event Called for each event as soon as its last line is there.
  /// @param max_size How many bytes an event may have; the other side must not
  ///                 be able to fill our memory.
  explicit sse_parser(handler on_event, size_t max_size = default_max_size);

  /// Takes the next piece of the stream. What comes after the last blank line
  /// waits for the rest; at the end of the stream it is not an event.
  /// @throws sse_error if an event is larger than `max_size`.
  void feed(std::string_view piece);

private:
  void end_line();

  void field(std::string_view name, std::string_view value);

  void dispatch();

  handler on_event_;
  size_t max_size_;
  std::string line_;
  std::string type_;
  std::string data_;
  bool has_data_ = false;
  bool at_start_ = true;
  bool after_cr_ = false;
};

} // namespace summarise
