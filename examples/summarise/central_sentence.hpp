// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace summarise {

/// Cuts a text, plain or Markdown, into its sentences. Headings, tables and
/// code blocks are left out; paragraphs and list items end a sentence.
std::vector<std::string> split_sentences(std::string_view text);

/// The sentence that has most in common with all others: the one with the
/// highest mean cosine between its words and theirs, stop words aside. Time and
/// memory grow with the length of the text alone, not with its square.
/// @returns the sentence, without a trailing clause if it is a long one; empty
///          if the text has no words.
std::string central_sentence(std::string_view text);

} // namespace summarise
