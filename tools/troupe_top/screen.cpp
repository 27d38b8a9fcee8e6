// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "screen.hpp"

#include "text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace troupe_top {

namespace {

/// Wider than any line is cut to.
constexpr std::size_t unlimited = std::size_t{1} << 20;

const char* code_of(style x) {
  switch (x) {
    case style::plain:
      return "";
    case style::bold:
      return "\x1b[1m";
    case style::dim:
      return "\x1b[2m";
    case style::good:
      return "\x1b[32m";
    case style::warn:
      return "\x1b[33m";
    case style::bad:
      return "\x1b[1;31m";
    case style::reverse:
      return "\x1b[7m";
  }
  return "";
}

/// Cuts a line to a width.
line clip(line x, std::size_t width) {
  line result;
  for (auto& part : x.parts) {
    if (width == 0)
      break;
    part.text = cut(part.text, width);
    width -= width_of(part.text);
    result.parts.push_back(std::move(part));
  }
  return result;
}

/// A count and what is counted: `1 hold`, `2 holds`.
std::string counted(std::uint64_t count, std::string_view what) {
  return render_count(count) + ' ' + std::string{what}
         + (count == 1 ? "" : "s");
}

// -- the header ------------------------------------------------------------------

/// The state that a worker is counted under, and shown with.
std::string_view state_of(const worker& x) {
  return x.phase == "backing_off" ? std::string_view{x.phase}
                                  : std::string_view{x.state};
}

style style_of(std::string_view state) {
  if (state == "running")
    return style::good;
  if (state == "force_stopped")
    return style::bad;
  return state == "backing_off" || state == "stopping" ? style::warn
                                                       : style::dim;
}

/// `backing_off` as `backing off`.
std::string words_of(std::string_view name) {
  auto result = printable(name);
  std::replace(result.begin(), result.end(), '_', ' ');
  return result;
}

line title(const scene& what) {
  line result{{{"troupe-top", style::bold}}};
  result.parts.push_back({"  " + printable(what.url)});
  if (what.last != nullptr && !what.last->version.empty())
    result.parts.push_back({"  troupe " + printable(what.last->version)});
  return result;
}

/// A pool has counted those of its workers.
std::uint64_t dead_letters(const status& what) {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < what.workers.size(); ++i) {
    const auto& x = what.workers[i];
    if (!x.queue)
      continue;
    result += x.queue->dead_letters;
    if (x.kind == "supervisor")
      i += x.below;
  }
  return result;
}

line counts(const status& what) {
  constexpr std::array<std::string_view, 6> known{
    "running", "init", "backing_off", "stopping", "stopped", "force_stopped"};
  std::array<std::uint64_t, known.size()> count{};
  std::uint64_t restarts = 0;
  for (const auto& x : what.workers) {
    const auto* found = std::find(known.begin(), known.end(), state_of(x));
    if (found != known.end())
      ++count[static_cast<std::size_t>(found - known.begin())];
    restarts += x.restarts;
  }
  line result{{{counted(what.workers.size(), "worker") + ':'}}};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (count[i] != 0 || i == 0)
      result.parts.push_back(
        {"  " + render_count(count[i]) + ' ' + words_of(known[i]),
         style_of(known[i])});
  result.parts.push_back({"   " + counted(restarts, "restart") + ", "
                          + counted(dead_letters(what), "dead letter")});
  return result;
}

line readiness(const status& what) {
  if (what.ready)
    return {{{"ready", style::good}}};
  auto why = printable(what.why_not_ready);
  return {{{"NOT READY", style::bad}, {why.empty() ? "" : ": " + why}}};
}

std::string describe(const awaited_worker& x) {
  auto result = printable(x.path);
  if (!x.phase.empty())
    result += " (" + words_of(x.phase) + ')';
  result += ' ' + render_seconds(x.elapsed);
  if (x.queued != 0)
    result += ", " + render_count(x.queued) + " queued";
  if (x.holds != 0)
    result += ", " + counted(x.holds, "hold");
  return result;
}

line banner(const stop_in_progress& what) {
  constexpr std::size_t most = 3;
  line result{{{"STOPPING for " + render_seconds(what.since), style::bad}}};
  auto text = std::string{};
  for (std::size_t i = 0; i < std::min(what.awaited.size(), most); ++i)
    text += (i == 0 ? ", waits for " : "; ") + describe(what.awaited[i]);
  if (what.awaited.size() > most)
    text += "; and " + std::to_string(what.awaited.size() - most) + " more";
  result.parts.push_back({std::move(text), style::warn});
  return result;
}

line trouble(const std::string& problem) {
  return {
    {{"NO ANSWER: " + printable(problem) + "; trying again", style::bad}}};
}

std::vector<line> header(const scene& what) {
  std::vector<line> result{title(what)};
  if (!what.problem.empty())
    result.push_back(trouble(what.problem));
  else if (what.last == nullptr)
    result.push_back({{{"waiting for the first answer", style::dim}}});
  if (what.last == nullptr)
    return result;
  result.push_back(counts(*what.last));
  result.push_back(readiness(*what.last));
  if (what.last->stopping)
    result.push_back(banner(*what.last->stopping));
  return result;
}

// -- the table -------------------------------------------------------------------

/// A column of numbers, or of a state: what stands above it and its width.
struct column {
  std::string_view head;
  std::size_t width;
};

constexpr std::array<column, 8> columns{{
  {"STATE", 14},
  {"LIFE", 5},
  {"UP", 6},
  {"RESTARTS", 8},
  {"QUEUE", 5},
  {"MSG/S", 5},
  {"DEAD", 5},
  {"HOLDS", 5},
}};

constexpr std::size_t gap = 1;

constexpr std::size_t width_of_columns() {
  std::size_t result = 0;
  for (const auto& x : columns)
    result += gap + x.width;
  return result;
}

/// What a worker is called in the table, with what goes before it.
std::string label(const worker& x, const view& how) {
  if (how.by != order::tree)
    return printable(x.path);
  // Nobody sees how deep it is beyond that.
  constexpr std::size_t deepest = 40;
  std::string result(2 * std::min(x.depth, deepest), ' ');
  result += x.below == 0                                        ? "  "
            : how.filter.empty() && how.folded.contains(x.path) ? "+ "
                                                                : "- ";
  return result + printable(x.depth == 0 ? x.path : x.name);
}

std::string state_cell(const worker& x) {
  if (x.phase == "backing_off")
    return x.next_retry ? "retry in " + render_seconds(*x.next_retry)
                        : "backing off";
  if (x.state == "running" && x.phase == "ready")
    return "running";
  const auto more = x.phase == x.state || x.phase == "done"
                    || x.phase == "created";
  return words_of(more ? x.state : x.phase);
}

/// What else there is to say of a worker, the most urgent first.
std::string notes(const worker& x) {
  std::vector<std::string> all;
  if (!x.answering)
    all.emplace_back("DOES NOT ANSWER");
  if (x.overlooked)
    all.emplace_back("was not asked in time");
  if (!x.health.empty() && x.health != "healthy")
    all.push_back(
      printable(x.health)
      + (x.health_reason.empty() ? "" : ": " + printable(x.health_reason)));
  if (x.last_end) {
    auto text = "last end: " + printable(x.last_end->kind);
    if (x.last_end->abandoned)
      text += ", abandoned";
    if (!x.last_end->reason.empty())
      text += ": " + printable(x.last_end->reason);
    all.push_back(std::move(text));
  }
  for (const auto& [name, value] : x.fields)
    all.push_back(printable(name) + ": " + printable(value));
  std::string result;
  for (const auto& text : all)
    result += (result.empty() ? "" : "; ") + text;
  return result;
}

style style_of_notes(const worker& x) {
  if (!x.answering)
    return style::bad;
  return x.health.empty() || x.health == "healthy" ? style::dim : style::warn;
}

/// Zero is no news.
std::string count_cell(std::uint64_t x) {
  return x == 0 ? "-" : render_count(x);
}

/// What is called too long to stand in its column takes the room it needs.
std::string pad(std::string text, std::size_t width) {
  return width_of(text) > width ? text : fit_left(text, width);
}

line table_row(const worker& x, const std::optional<double>& rate,
               std::string name) {
  const auto& queue = x.queue;
  const std::array<std::string, columns.size()> cells{
    state_cell(x),
    render_count(x.incarnation),
    render_seconds(x.uptime),
    count_cell(x.restarts),
    queue ? render_count(queue->queued) : "",
    rate ? render_rate(*rate) : "",
    queue ? count_cell(queue->dead_letters) : "",
    count_cell(x.holds),
  };
  line result{{{std::move(name)}}};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto width = columns[i].width;
    result.parts.push_back(
      {std::string(gap, ' ')
         + (i == 0 ? fit_left(cells[i], width) : fit_right(cells[i], width)),
       i == 0 ? style_of(state_of(x)) : style::plain});
  }
  if (auto text = notes(x); !text.empty())
    result.parts.push_back({"  " + text, style_of_notes(x)});
  return result;
}

line table_head(std::size_t label_width) {
  auto text = fit_left("WORKER", label_width);
  for (const auto& x : columns)
    text += std::string(gap, ' ')
            + (&x == columns.data() ? fit_left(x.head, x.width)
                                    : fit_right(x.head, x.width));
  return {{{text + "  NOTES", style::bold}}};
}

/// What is left for the names of workers: what they need, but no more than
/// half of what the columns leave, and never less than a few letters.
std::size_t label_width(const status& what,
                        const std::vector<std::size_t>& shown, const view& how,
                        std::size_t width) {
  constexpr std::size_t least = 12;
  std::size_t needed = least;
  for (const auto i : shown)
    needed = std::max(needed, width_of(label(what.workers[i], how)));
  const auto left = width > width_of_columns() ? width - width_of_columns() : 0;
  return std::min(needed, std::max(least, left / 2 + left / 4));
}

std::optional<double> rate_of(const scene& what, std::size_t i) {
  return i < what.rates.size() ? what.rates[i] : std::nullopt;
}

/// A worker on which the cursor is: all of it in one colour.
line marked(const line& x, std::size_t width) {
  auto text = std::string{};
  for (const auto& part : x.parts)
    text += part.text;
  return {{{fit_left(text, width), style::reverse}}};
}

line footer(const view& how) {
  if (how.typing)
    return {{{"/" + printable(how.filter) + '_', style::bold},
             {"   Enter keeps it, Esc shows all", style::dim}}};
  line result{{{"q quit  / filter  s sort: ", style::dim},
               {to_string(how.by), style::bold},
               {"  space fold", style::dim}}};
  if (!how.filter.empty())
    result.parts.push_back(
      {"  only /" + printable(how.filter) + "/, Esc shows all", style::warn});
  return result;
}

} // namespace

std::string to_text(const line& x) {
  std::string result;
  for (const auto& part : x.parts)
    result += part.text;
  result.erase(result.find_last_not_of(' ') + 1);
  return result;
}

std::string to_ansi(const line& x) {
  std::string result;
  for (const auto& part : x.parts) {
    const std::string_view code = code_of(part.how);
    result += code;
    result += part.text;
    if (!code.empty())
      result += "\x1b[0m";
  }
  return result;
}

std::size_t page_of(const scene& what, screen_size size) {
  const auto around = header(what).size() + 2; // the head of the table, footer
  return size.rows > around ? size.rows - around : 1;
}

std::vector<line> draw(const scene& what, const view& how, screen_size size) {
  auto result = header(what);
  if (what.last != nullptr) {
    const auto shown = shown_workers(*what.last, how);
    const auto first = std::min(how.scroll, shown.size());
    const auto last = std::min(first + page_of(what, size), shown.size());
    const auto width = label_width(*what.last, shown, how, size.columns);
    result.push_back(table_head(width));
    for (auto i = first; i < last; ++i) {
      const auto& x = what.last->workers[shown[i]];
      auto row = table_row(x, rate_of(what, shown[i]),
                           fit_left(label(x, how), width));
      result.push_back(x.path == how.cursor ? marked(row, size.columns)
                                            : std::move(row));
    }
  }
  if (size.rows == 0)
    return {};
  result.resize(size.rows - 1);
  result.push_back(footer(how));
  for (auto& x : result)
    x = clip(std::move(x), size.columns);
  return result;
}

std::vector<line> draw_all(const scene& what) {
  auto result = header(what);
  if (what.last == nullptr)
    return result;
  const view how;
  const auto shown = shown_workers(*what.last, how);
  // One very long name must not move the columns of all others.
  constexpr std::size_t widest = 60;
  const auto width = std::min(label_width(*what.last, shown, how, unlimited),
                              widest);
  result.push_back(table_head(width));
  for (const auto i : shown) {
    const auto& x = what.last->workers[i];
    result.push_back(table_row(x, rate_of(what, i), pad(label(x, how), width)));
  }
  return result;
}

} // namespace troupe_top
