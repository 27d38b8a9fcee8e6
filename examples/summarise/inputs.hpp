// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace summarise {

/// One thing that was given to summarise.
struct input {
  /// For people, safe to print: the name of the file, say.
  std::string title;

  std::string text;

  /// Why there is no text, and what to do about it; empty if there is one.
  std::string problem;
};

/// The three articles of the description that this program was written after.
std::vector<input> built_in_articles();

/// Reads files, folders (every *.txt and *.md below them, hidden ones aside)
/// and standard input ("-"), in the order given; inside a folder by name. What
/// cannot be read becomes an input with a problem, so that the others go on.
std::vector<input> read_inputs(const std::vector<std::string>& names,
                               std::istream& standard_input);

/// Checks what was read: it must be text in UTF-8 and not empty.
input make_input(std::string title, std::string text);

} // namespace summarise
