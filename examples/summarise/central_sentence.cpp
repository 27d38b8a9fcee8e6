// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "central_sentence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <unordered_map>

namespace summarise {

namespace {

/// Fewer words do not say enough, more are not a summary.
constexpr size_t min_words = 6;
constexpr size_t max_words = 40;

/// From this many words on a sentence can spare its last clause.
constexpr size_t long_sentence = 24;

constexpr auto stop_words = std::array<std::string_view, 62>{
  "a",    "about", "after", "all",   "also", "an",   "and",   "any",  "are",
  "as",   "at",    "be",    "been",  "but",  "by",   "can",   "do",   "each",
  "for",  "from",  "has",   "have",  "how",  "if",   "in",    "into", "is",
  "it",   "its",   "may",   "more",  "no",   "not",  "of",    "on",   "one",
  "only", "or",    "other", "so",    "such", "than", "that",  "the",  "their",
  "them", "then",  "there", "these", "they", "this", "those", "to",   "was",
  "were", "what",  "when",  "which", "who",  "will", "with",  "you"};
static_assert(std::is_sorted(stop_words.begin(), stop_words.end()));

// -- characters ---------------------------------------------------------------

// The functions of <cctype> depend on the locale and do not take every char.

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes of other alphabets stay together as words, whatever they are.
bool is_word_char(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || is_digit(c)
         || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  auto result = std::vector<std::string>{};
  auto inside = false;
  for (const auto c : text) {
    if (!is_word_char(c)) {
      inside = false;
      continue;
    }
    if (!inside)
      result.emplace_back();
    inside = true;
    result.back() += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

// -- paragraphs ---------------------------------------------------------------

/// The length of a list marker ("- ", "* ", "12. ") or quote ("> ") at the
/// beginning of a line.
size_t marker_length(std::string_view line) {
  if (line.size() > 1 && line[1] == ' '
      && std::string_view{"-*+>"}.find(line[0]) != std::string_view::npos)
    return 2;
  auto digits = size_t{0};
  while (digits < line.size() && is_digit(line[digits]))
    ++digits;
  if (digits > 0 && digits < 4 && line.size() > digits + 1
      && (line[digits] == '.' || line[digits] == ')')
      && line[digits + 1] == ' ')
    return digits + 2;
  return 0;
}

/// Takes emphasis and code marks away, and of a link leaves what one reads.
std::string without_marks(std::string_view line) {
  auto result = std::string{};
  for (size_t i = 0; i < line.size(); ++i) {
    const auto c = line[i];
    if (c == '`' || c == '*' || (c == ' ' && result.ends_with(' ')))
      continue;
    if (c == ']' && i + 1 < line.size() && line[i + 1] == '(') {
      const auto end = line.find(')', i);
      if (end != std::string_view::npos) {
        i = end;
        continue;
      }
    }
    const auto opens_link = c == '[' && line.find("](", i) != line.npos;
    if (!opens_link)
      result += c;
  }
  return result;
}

std::vector<std::string> split_paragraphs(std::string_view text) {
  auto result = std::vector<std::string>{std::string{}};
  auto in_code = false;
  const auto end_paragraph = [&] {
    if (!result.back().empty())
      result.emplace_back();
  };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1);
    auto line = trim(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
    if (line.starts_with("```") || line.starts_with("~~~")) {
      in_code = !in_code;
      end_paragraph();
      continue;
    }
    if (in_code)
      continue;
    if (line.empty() || line.starts_with('#') || line.starts_with('|')) {
      end_paragraph();
      continue;
    }
    if (const auto marker = marker_length(line); marker > 0) {
      end_paragraph();
      line = trim(line.substr(marker));
    }
    if (!result.back().empty())
      result.back() += ' ';
    result.back() += without_marks(line);
  }
  return result;
}

// -- sentences ----------------------------------------------------------------

/// Says whether the full stop (or the like) at `dot` ends a sentence.
bool ends_sentence(std::string_view text, size_t dot) {
  auto next = dot + 1;
  while (next < text.size()
         && std::string_view{"\"')]"}.find(text[next]) != text.npos)
    ++next;
  if (next == text.size())
    return true;
  if (!is_space(text[next]))
    return false;
  next = std::min(text.find_first_not_of(' ', next), text.size() - 1);
  if (text[dot] != '.')
    return true;
  // "Dr. Who", "J. Doe" and "e.g. this" go on.
  auto begin = dot;
  while (begin > 0 && !is_space(text[begin - 1]))
    --begin;
  const auto word = text.substr(begin, dot - begin);
  if (word.size() == 1 || word == "Dr" || word == "Mr" || word == "Mrs"
      || word == "Prof" || word == "etc" || word == "vs" || word == "cf"
      || word.find('.') != word.npos)
    return false;
  return !(text[next] >= 'a' && text[next] <= 'z');
}

/// Cuts off what a long sentence says in passing at its end: a clause with
/// "which", or one with a participle ("..., enabling them to ...").
std::string without_last_clause(std::string_view sentence) {
  if (words_of(sentence).size() < long_sentence)
    return std::string{sentence};
  for (auto comma = sentence.find(", "); comma != sentence.npos;
       comma = sentence.find(", ", comma + 1)) {
    auto clause = words_of(sentence.substr(comma));
    const auto kept = words_of(sentence.substr(0, comma)).size();
    if (clause.empty() || kept < 2 * min_words)
      continue;
    if (clause[0] == "which"
        || (clause[0].size() > 5 && clause[0].ends_with("ing")))
      return std::string{sentence.substr(0, comma)} + '.';
  }
  return std::string{sentence};
}

/// The words of a sentence that mean something, with how often they occur,
/// scaled so that the squares add up to one.
std::map<std::string, double> direction_of(const std::string& sentence) {
  auto result = std::map<std::string, double>{};
  for (auto& word : words_of(sentence)) {
    if (!std::binary_search(stop_words.begin(), stop_words.end(), word))
      result[std::move(word)] += 1;
  }
  auto squares = 0.0;
  for (const auto& [word, count] : result)
    squares += count * count;
  for (auto& [word, count] : result)
    count /= std::sqrt(squares);
  return result;
}

} // namespace

std::vector<std::string> split_sentences(std::string_view text) {
  auto result = std::vector<std::string>{};
  const auto add = [&result](std::string_view sentence) {
    sentence = trim(sentence);
    if (!words_of(sentence).empty())
      result.emplace_back(sentence);
  };
  for (const auto& paragraph : split_paragraphs(text)) {
    auto begin = size_t{0};
    for (size_t i = 0; i < paragraph.size(); ++i) {
      const auto c = paragraph[i];
      if ((c == '.' || c == '!' || c == '?') && ends_sentence(paragraph, i)) {
        const auto end = std::min(paragraph.find(' ', i), paragraph.size());
        add(std::string_view{paragraph}.substr(begin, end - begin));
        begin = end;
      }
    }
    add(std::string_view{paragraph}.substr(begin));
  }
  return result;
}

std::string central_sentence(std::string_view text) {
  const auto sentences = split_sentences(text);
  // The mean cosine of one direction with all others is its product with their
  // sum, so no pair needs to be looked at.
  auto directions = std::vector<std::map<std::string, double>>{};
  auto sum = std::unordered_map<std::string, double>{};
  for (const auto& sentence : sentences) {
    directions.push_back(direction_of(sentence));
    for (const auto& [word, weight] : directions.back())
      sum[word] += weight;
  }
  const auto centrality = [&](size_t index) {
    auto result = directions[index].empty() ? 0.0 : -1.0; // not with itself
    for (const auto& [word, weight] : directions[index])
      result += weight * sum[word];
    const auto length = words_of(sentences[index]).size();
    const auto fits = length >= min_words && length <= max_words;
    return fits ? result + 1 : result / 2;
  };
  auto best = size_t{0};
  auto highest = -1.0;
  for (size_t i = 0; i < sentences.size(); ++i) {
    // Of equals the first wins; rounding must not decide.
    if (const auto score = centrality(i); score > highest + 1e-9) {
      best = i;
      highest = score;
    }
  }
  return sentences.empty() ? std::string{}
                           : without_last_clause(sentences[best]);
}

} // namespace summarise
