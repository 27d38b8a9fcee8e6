// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace summarise {

/// @returns where the first byte stands that no valid UTF-8 text can have there
///          (overlong forms, surrogates and cut-off sequences included), or
///          nothing if there is none.
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// What may go to a terminal: control characters, whose sequences could do more
/// than print, become spaces, and so do line ends; bytes that are not UTF-8
/// become question marks.
std::string printable(std::string_view text);

/// How many characters (code points) a valid UTF-8 text has.
size_t length_of(std::string_view text);

/// The first `max_length` characters; if that leaves some out, the last is
/// replaced by an ellipsis.
std::string shortened(std::string_view text, size_t max_length);

} // namespace summarise
