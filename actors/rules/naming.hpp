// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>

/// Names of things.
namespace troupe::rules {

/// Turns a class name into the name of its workers: namespaces and template
/// arguments go, words are joined by underscores. `net::HTTPServer` becomes
/// `http_server`.
[[nodiscard]] std::string snake_case(std::string_view class_name);

/// A name, after the article that goes with how it begins: `an idle`, `a
/// net::x`.
[[nodiscard]] std::string with_article(std::string_view name);

/// `worker "name" (/path)`, the subject of every error text. The name is the
/// end of the path.
[[nodiscard]] std::string subject(std::string_view path);

/// The one rule for names, of whatever is called by one: a name is not empty,
/// and contains neither `/`, which separates the names in a path, nor a control
/// character, of which a NUL would cut it and a line break a line. (S1, L2)
/// @param kind What is called so, for the text: `worker`, `child`.
/// @returns what is wrong with `name`, and what to do, or an empty string.
[[nodiscard]] std::string check_name(std::string_view kind,
                                     std::string_view name);

/// The path of a worker below `parent`, which is empty for the topmost.
[[nodiscard]] std::string child_path(std::string_view parent,
                                     std::string_view name);

} // namespace troupe::rules
