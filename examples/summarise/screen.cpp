// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "screen.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <utility>

namespace summarise {

namespace {

constexpr size_t max_title = 40;

std::string spaces(size_t count) {
  return std::string(count, ' ');
}

std::string left(std::string text, size_t width) {
  return text + spaces(width - std::min(width, length_of(text)));
}

std::string right(const std::string& text, size_t width) {
  return spaces(width - std::min(width, length_of(text))) + text;
}

} // namespace

// -- passages -----------------------------------------------------------------

screen::passage::passage(screen& screen, std::string_view heading)
  : screen_(screen), mine_(std::make_shared<speech>()) {
  mine_->unseen = printable(heading) + '\n';
  const auto lock = std::lock_guard{screen_.mutex_};
  screen_.speeches_.push_back(mine_);
  screen_.advance();
}

screen::passage::~passage() {
  const auto lock = std::lock_guard{screen_.mutex_};
  mine_->end_line();
  mine_->over = true;
  screen_.advance();
}

void screen::passage::stream(std::string_view text) {
  const auto lock = std::lock_guard{screen_.mutex_};
  if (!std::exchange(mine_->inside_line, true))
    mine_->unseen += "  ";
  mine_->unseen += printable(text);
  screen_.advance();
}

void screen::passage::remark(std::string_view text) {
  const auto lock = std::lock_guard{screen_.mutex_};
  mine_->end_line();
  mine_->unseen += printable(text) + '\n';
  screen_.advance();
}

void screen::speech::end_line() {
  if (std::exchange(inside_line, false))
    unseen += '\n';
}

// -- screen -------------------------------------------------------------------

screen::passage screen::begin(const std::string& title, int attempt) {
  return {*this,
          attempt == 1 ? title : title + ", try " + std::to_string(attempt)};
}

void screen::note(std::string_view text) {
  passage{*this, text};
}

void screen::remark(std::string_view text) {
  const auto lock = std::lock_guard{mutex_};
  if (!speeches_.empty())
    speeches_.front()->end_line();
  advance();
  out_ << printable(text) << '\n' << std::flush;
}

void screen::table(const std::vector<row>& rows) {
  const auto lock = std::lock_guard{mutex_};
  const auto number_width = std::to_string(rows.size()).size();
  auto title_width = size_t{4};
  auto time_width = size_t{4};
  for (const auto& each : rows) {
    title_width = std::max(title_width,
                           length_of(shortened(each.title, max_title)));
    time_width = std::max(time_width,
                          each.time ? to_text(*each.time).size() : 0);
  }
  const auto print = [&](const std::string& number, const std::string& title,
                         const std::string& time, const std::string& status) {
    out_ << right(number, number_width) << "  " << left(title, title_width)
         << "  " << right(time, time_width) << "  " << status << '\n';
  };
  out_ << '\n';
  print("", "item", "time", "status");
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& each = rows[i];
    print(std::to_string(i + 1), shortened(each.title, max_title),
          each.time ? to_text(*each.time) : "-", printable(each.status));
  }
  out_ << std::flush;
}

bool screen::good() {
  const auto lock = std::lock_guard{mutex_};
  return out_.good();
}

void screen::advance() {
  while (!speeches_.empty()) {
    auto& first = *speeches_.front();
    out_ << std::exchange(first.unseen, {}) << std::flush;
    if (!first.over)
      return;
    speeches_.pop_front();
  }
}

std::string to_text(std::chrono::milliseconds time) {
  auto buffer = std::array<char, 32>{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f s",
                static_cast<double>(time.count()) / 1000);
  return buffer.data();
}

} // namespace summarise
