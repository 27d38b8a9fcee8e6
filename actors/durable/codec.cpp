// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/codec.hpp"

#include "rules/printable.hpp"

#include <caf/error.hpp>
#include <caf/json_reader.hpp>
#include <caf/json_writer.hpp>
#include <caf/sec.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe::durable {

namespace {

template <class T>
std::string digits_of(T x) {
  std::array<char, 128> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

template <class T>
bool number_of(const std::string& text, T& x) {
  const auto* end = text.data() + text.size();
  const auto got = std::from_chars(text.data(), end, x);
  return got.ec == std::errc{} && got.ptr == end;
}

/// Stands before itself, before a control character, which is moved by 64 then,
/// and before the two digits of a byte that is no UTF-8, which not every
/// database takes.
constexpr char mark = '\x7f';

constexpr std::string_view hex_digits = "0123456789abcdef";

/// Whether CAF's writer and reader both know how to escape it.
bool is_plain(char32_t c) noexcept {
  return (c >= 0x20u && c != U'\x7f') || c == U'\n' || c == U'\t' || c == U'\r';
}

/// Makes text of bytes: valid UTF-8 that CAF reads again.
std::string to_text(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto next = troupe::rules::first_of(bytes);
    const auto byte = static_cast<unsigned char>(bytes.front());
    if (next.length == 0)
      result += {mark, hex_digits[byte / 16u], hex_digits[byte % 16u]};
    else if (is_plain(next.code))
      result += bytes.substr(0, next.length);
    else
      result += {mark,
                 bytes.front() == mark ? mark : static_cast<char>(byte + 64u)};
    bytes.remove_prefix(std::max(next.length, std::size_t{1}));
  }
  return result;
}

/// Undoes `to_text`; what that never makes stays as it is.
std::string from_text(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    std::size_t used = 1;
    auto c = text.front();
    if (c == mark && text.size() > 1) {
      const auto high = hex_digits.find(text[1]);
      const auto low = text.size() > 2 ? hex_digits.find(text[2])
                                       : std::string_view::npos;
      used = 2;
      if (text[1] >= '@' && text[1] <= '_') {
        c = static_cast<char>(text[1] - 64);
      } else if (high != std::string_view::npos
                 && low != std::string_view::npos) {
        c = static_cast<char>(high * 16 + low);
        used = 3;
      } else {
        c = text[1];
      }
    }
    result += c;
    text.remove_prefix(used);
  }
  return result;
}

/// Writes JSON that is read again without loss. CAF gives a number of floating
/// point six digits after the point, so a small one becomes zero; 0.18 writes
/// control characters and large unsigned numbers that it does not read.
class exact_writer final : public caf::json_writer {
public:
  using caf::json_writer::value;
  using text_type = decltype(std::declval<caf::json_writer>().str());

  bool value(text_type x) override {
    const auto text = to_text({x.data(), x.size()});
    return json_writer::value(text_type{text});
  }

  bool value(std::uint64_t x) override {
    return json_writer::value(static_cast<std::int64_t>(x));
  }

  bool value(float x) override {
    return json_writer::value(digits_of(x));
  }

  bool value(double x) override {
    return json_writer::value(digits_of(x));
  }

  bool value(long double x) override {
    return json_writer::value(digits_of(x));
  }
};

/// Reads what `exact_writer` writes, and, for what people write, a number as
/// well. Not in a list: there the reader goes on to the next element when it
/// does not find what it is asked for.
class exact_reader final : public caf::json_reader {
public:
  using caf::json_reader::value;

  bool value(std::string& x) override {
    if (!json_reader::value(x))
      return false;
    x = from_text(x);
    return true;
  }

  bool value(std::uint64_t& x) override {
    std::int64_t bits = 0;
    if (!json_reader::value(bits))
      return false;
    x = static_cast<std::uint64_t>(bits);
    return true;
  }

  bool value(float& x) override {
    return read(x);
  }

  bool value(double& x) override {
    return read(x);
  }

  bool value(long double& x) override {
    return read(x);
  }

private:
  template <class T>
  bool read(T& x) {
    std::string text;
    if (json_reader::value(text)) {
      if (number_of(text, x))
        return true;
      emplace_error(caf::sec::conversion_failed,
                    "\"" + text + "\" is no number");
      return false;
    }
    const auto why = get_error();
    set_error(caf::error{});
    if (json_reader::value(x))
      return true;
    set_error(why);
    return false;
  }
};

} // namespace

std::string encode_with(const std::function<bool(caf::serializer&)>& save) {
  exact_writer f;
  f.skip_empty_fields(false);
  if (!save(f))
    throw payload_error{"this value cannot be written as JSON: "
                        + to_string(f.get_error())};
  const auto text = f.str();
  return {text.data(), text.size()};
}

void decode_with(std::string_view json,
                 const std::function<bool(caf::deserializer&)>& load) {
  exact_reader f;
  if (!f.load({json.data(), json.size()}) || !load(f))
    throw payload_error{"the payload cannot be read: "
                        + to_string(f.get_error())};
}

} // namespace troupe::durable
