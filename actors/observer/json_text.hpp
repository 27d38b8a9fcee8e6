// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::observing {

/// JSON that is written as it comes, because a status of ten thousand workers
/// is no more than a text to whoever sends it. Bytes that are not UTF-8
/// become escapes, as in all texts: `\xff`.
class json_text {
public:
  /// Begins an object, `{`, or an array, `[`: the next element of an array.
  json_text& open(char bracket) {
    separate();
    text_ += bracket;
    return *this;
  }

  /// The same as a member of an object.
  json_text& open(std::string_view name, char bracket) {
    write_name(name);
    text_ += bracket;
    return *this;
  }

  json_text& close(char bracket) {
    text_ += bracket;
    return *this;
  }

  /// Adds a member to an object.
  template <class T>
  json_text& add(std::string_view name, const T& value) {
    write_name(name);
    if constexpr (std::same_as<T, bool>)
      text_ += value ? "true" : "false";
    else if constexpr (std::integral<T>)
      text_ += std::to_string(value);
    else if constexpr (std::floating_point<T>)
      write_number(value);
    else
      write_string(value);
    return *this;
  }

  json_text& add_null(std::string_view name) {
    write_name(name);
    text_ += "null";
    return *this;
  }

  [[nodiscard]] std::string take() {
    return std::move(text_);
  }

private:
  void separate();

  void write_name(std::string_view name);

  void write_number(double x);

  void write_string(std::string_view x);

  std::string text_;
};

} // namespace troupe::observing
