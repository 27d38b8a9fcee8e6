// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "screen.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

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

void screen::begin(size_t number, size_t total, std::string_view title) {
  const auto lock = std::lock_guard{mutex_};
  end_line();
  out_ << '[' << number << '/' << total << "] " << printable(title) << '\n'
       << std::flush;
}

void screen::stream(std::string_view text) {
  const auto lock = std::lock_guard{mutex_};
  if (!inside_line_)
    out_ << "  ";
  inside_line_ = true;
  out_ << printable(text) << std::flush;
}

void screen::remark(std::string_view text) {
  const auto lock = std::lock_guard{mutex_};
  end_line();
  out_ << printable(text) << '\n' << std::flush;
}

void screen::table(const std::vector<row>& rows) {
  const auto lock = std::lock_guard{mutex_};
  end_line();
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

void screen::end_line() {
  if (inside_line_)
    out_ << '\n';
  inside_line_ = false;
}

std::string to_text(std::chrono::milliseconds time) {
  auto buffer = std::array<char, 32>{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f s",
                static_cast<double>(time.count()) / 1000);
  return buffer.data();
}

} // namespace summarise
