// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace pipeline {

namespace {

namespace fs = std::filesystem;

/// Longer lines are cut into pieces, so that an endless one does not fill the
/// memory.
constexpr size_t max_line = 1024 * 1024;

/// Waits until there is something to read, or a stop: a plain `read` could not
/// be ended. Regular files never make one wait.
/// @returns whether there is something.
bool wait_for_input(int fd, const std::stop_token& stop) {
  auto alarm = std::array{-1, -1};
  if (::pipe2(alarm.data(), O_CLOEXEC) != 0)
    throw std::system_error{errno, std::generic_category(), "pipe2"};
  {
    auto ring = std::stop_callback{stop, [&alarm] {
                                     ::close(alarm[1]);
                                     alarm[1] = -1;
                                   }};
    auto both = std::array{pollfd{fd, POLLIN, 0}, pollfd{alarm[0], POLLIN, 0}};
    while (::poll(both.data(), both.size(), -1) < 0 && errno == EINTR)
      continue;
  } // from here on nobody rings
  ::close(alarm[0]);
  if (alarm[1] != -1)
    ::close(alarm[1]);
  return !stop.stop_requested();
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

} // namespace

source::source(const std::vector<std::string>& names) {
  for (const auto& name : names)
    todo_.push_back({name, true});
}

source::~source() {
  close();
}

std::vector<line> source::read(const std::stop_token& stop) {
  while (!stop.stop_requested() && (fd_ != -1 || open_next(stop))) {
    if (!wait_for_input(fd_, stop))
      break;
    const auto more = read_some();
    if (!more && !rest_.empty())
      rest_ += '\n'; // the last line of a file may lack it
    auto lines = take_lines();
    if (!more)
      close();
    if (!lines.empty())
      return lines;
  }
  return {};
}

bool source::open_next(const std::stop_token& stop) {
  while (!todo_.empty() && !stop.stop_requested()) {
    now_ = std::move(todo_.front());
    todo_.pop_front();
    auto ignored = std::error_code{};
    if (now_.path == "-") {
      now_.path = "standard input";
      fd_ = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    } else if (fs::is_directory(now_.path, ignored)) {
      expand(now_, stop);
      continue;
    } else {
      // Without O_NONBLOCK this would wait for somebody to write to a pipe.
      fd_ = ::open(now_.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    at_begin_ = true;
    number_ = 0;
    if (fd_ != -1)
      return true;
    complain(std::strerror(errno));
  }
  return false;
}

void source::expand(const entry& folder, const std::stop_token& stop) {
  auto found = std::vector<fs::path>{};
  auto error = std::error_code{};
  auto i = fs::recursive_directory_iterator{folder.path, error};
  for (; !error && i != fs::recursive_directory_iterator{};
       i.increment(error)) {
    auto ignored = std::error_code{};
    if (stop.stop_requested())
      return;
    if (is_hidden(i->path()))
      i.disable_recursion_pending();
    else if (i->is_regular_file(ignored))
      found.push_back(i->path());
  }
  if (error)
    complain(error.message());
  std::sort(found.begin(), found.end(), std::greater<>{});
  for (auto& path : found)
    todo_.push_front({std::move(path), false});
}

bool source::read_some() {
  auto buffer = std::array<char, 16 * 1024>{};
  const auto size = ::read(fd_, buffer.data(), buffer.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (size < 0)
    complain(std::strerror(errno));
  if (size <= 0)
    return false;
  const auto text = std::string_view{buffer.data(), static_cast<size_t>(size)};
  if (std::exchange(at_begin_, false)) {
    if (text.find('\0') != std::string_view::npos) {
      if (now_.named)
        complain("it holds zero bytes, so it is no text");
      return false;
    }
  }
  rest_ += text;
  return true;
}

std::vector<line> source::take_lines() {
  auto result = std::vector<line>{};
  auto begin = size_t{0};
  for (;;) {
    auto end = rest_.find('\n', begin);
    const auto found = end != std::string::npos;
    if (!found && rest_.size() - begin < max_line)
      break;
    if (!found)
      end = rest_.size();
    result.push_back(
      {now_.path.string(), ++number_, rest_.substr(begin, end - begin)});
    begin = found ? end + 1 : end;
  }
  rest_.erase(0, begin);
  return result;
}

void source::close() {
  if (fd_ != -1)
    ::close(std::exchange(fd_, -1));
  rest_.clear();
}

void source::complain(const std::string& what) {
  problems_.push_back(now_.path.string() + " cannot be read: " + what);
}

} // namespace pipeline
