// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "view.hpp"

#include "text.hpp"

#include <algorithm>
#include <string_view>

namespace troupe_top {

namespace {

using kind = key::kind;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char x, char y) { return lower(x) == lower(y); })
         != text.end();
}

/// For each worker, whether it passes the filter. In a tree so do those above
/// one that does.
std::vector<bool> passing(const status& what, const view& how) {
  std::vector<bool> result(what.workers.size(), true);
  if (how.filter.empty())
    return result;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = contains(what.workers[i].path, how.filter);
  if (how.by != order::tree)
    return result;
  std::vector<std::size_t> above;
  for (std::size_t i = 0; i < result.size(); ++i) {
    above.resize(what.workers[i].depth);
    if (result[i])
      for (const auto x : above)
        result[x] = true;
    above.push_back(i);
  }
  return result;
}

std::vector<std::size_t> in_tree(const status& what, const view& how,
                                 const std::vector<bool>& passes) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < what.workers.size(); ++i) {
    const auto& x = what.workers[i];
    if (passes[i])
      result.push_back(i);
    // Whoever looks for something wants to see it.
    if (how.filter.empty() && how.folded.contains(x.path))
      i += x.below;
  }
  return result;
}

std::uint64_t weight(const worker& x, order by) {
  return by == order::restarts ? x.restarts : x.queue ? x.queue->queued : 0;
}

std::size_t index_of(const std::vector<std::size_t>& shown, const status& what,
                     const std::string& path) {
  const auto found
    = std::find_if(shown.begin(), shown.end(),
                   [&](std::size_t i) { return what.workers[i].path == path; });
  return static_cast<std::size_t>(found - shown.begin());
}

/// Moves the cursor by so many workers, as far as there are any.
void move(view& how, const status& what, std::ptrdiff_t by) {
  const auto shown = shown_workers(what, how);
  if (shown.empty())
    return;
  const auto last = static_cast<std::ptrdiff_t>(shown.size()) - 1;
  auto at = static_cast<std::ptrdiff_t>(index_of(shown, what, how.cursor));
  at = std::clamp(std::min(at, last) + by, std::ptrdiff_t{0}, last);
  how.cursor = what.workers[shown[static_cast<std::size_t>(at)]].path;
}

enum class folding : std::uint8_t { fold, unfold, toggle };

void fold(view& how, const status& what, folding way) {
  const auto found
    = std::find_if(what.workers.begin(), what.workers.end(),
                   [&how](const worker& x) { return x.path == how.cursor; });
  if (how.by != order::tree || found == what.workers.end() || found->below == 0)
    return;
  const auto is_folded = how.folded.contains(how.cursor);
  if (is_folded && way != folding::fold)
    how.folded.erase(how.cursor);
  else if (!is_folded && way != folding::unfold)
    how.folded.insert(how.cursor);
}

/// @returns whether the key belongs to the filter that is being typed.
bool type(view& how, const key& what) {
  switch (what.what) {
    case kind::text:
      how.filter += what.text;
      return true;
    case kind::backspace:
      how.typing = !how.filter.empty();
      drop_last(how.filter);
      return true;
    case kind::enter:
      how.typing = false;
      return true;
    case kind::escape:
      how.typing = false;
      how.filter.clear();
      return true;
    default:
      return false;
  }
}

void command(view& how, std::string_view text, const status& what) {
  if (text == "q" || text == "Q")
    how.quit = true;
  else if (text == "/")
    how.typing = true;
  else if (text == " ")
    fold(how, what, folding::toggle);
  else if (text == "s")
    how.by = how.by == order::tree    ? order::queue
             : how.by == order::queue ? order::restarts
                                      : order::tree;
  else if (text == "k")
    move(how, what, -1);
  else if (text == "j")
    move(how, what, 1);
}

} // namespace

const char* to_string(order x) {
  switch (x) {
    case order::tree:
      return "tree";
    case order::queue:
      return "queue";
    case order::restarts:
      return "restarts";
  }
  return "";
}

std::vector<std::size_t> shown_workers(const status& what, const view& how) {
  const auto passes = passing(what, how);
  if (how.by == order::tree)
    return in_tree(what, how, passes);
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < passes.size(); ++i)
    if (passes[i])
      result.push_back(i);
  std::stable_sort(result.begin(), result.end(),
                   [&](std::size_t x, std::size_t y) {
                     return weight(what.workers[x], how.by)
                            > weight(what.workers[y], how.by);
                   });
  return result;
}

void press(view& how, const key& what, const status& shown, std::size_t page) {
  if (!how.typing || !type(how, what)) {
    const auto screen = static_cast<std::ptrdiff_t>(page);
    constexpr auto far = PTRDIFF_MAX / 2;
    switch (what.what) {
      case kind::text:
        command(how, what.text, shown);
        break;
      case kind::up:
        move(how, shown, -1);
        break;
      case kind::down:
        move(how, shown, 1);
        break;
      case kind::page_up:
        move(how, shown, -screen);
        break;
      case kind::page_down:
        move(how, shown, screen);
        break;
      case kind::home:
        move(how, shown, -far);
        break;
      case kind::end:
        move(how, shown, far);
        break;
      case kind::left:
        fold(how, shown, folding::fold);
        break;
      case kind::right:
        fold(how, shown, folding::unfold);
        break;
      case kind::enter:
        fold(how, shown, folding::toggle);
        break;
      case kind::escape:
        how.filter.clear();
        break;
      default:
        break;
    }
  }
  settle(how, shown, page);
}

void settle(view& how, const status& shown, std::size_t page) {
  const auto list = shown_workers(shown, how);
  if (list.empty()) {
    how.scroll = 0;
    return;
  }
  auto at = index_of(list, shown, how.cursor);
  if (at == list.size()) {
    // Whoever was there has gone: take who is in that place of the screen now.
    at = std::min(how.scroll, list.size() - 1);
    how.cursor = shown.workers[list[at]].path;
  }
  const auto fits = std::max<std::size_t>(page, 1);
  const auto last_scroll = list.size() > fits ? list.size() - fits : 0;
  how.scroll = std::min(how.scroll, last_scroll);
  how.scroll = std::min(how.scroll, at);
  if (at >= how.scroll + fits)
    how.scroll = at - fits + 1;
}

} // namespace troupe_top
