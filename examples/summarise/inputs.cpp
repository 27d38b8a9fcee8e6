// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "inputs.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <utility>

namespace summarise {

namespace {

namespace fs = std::filesystem;

/// The API takes no more than 32 MB in a request, the models far less.
constexpr size_t max_size = 8 * 1024 * 1024;

input with_problem(std::string title, std::string problem) {
  return {printable(title), {}, std::move(problem)};
}

input too_large(std::string title) {
  return with_problem(std::move(title),
                      "has more than 8 MiB; split it into parts");
}

/// Reads a little more than is allowed at most, so that one sees when it is
/// too much, also from an endless stream.
std::string read_some(std::istream& in) {
  auto result = std::string{};
  auto buffer = std::string(64 * 1024, '\0');
  while (result.size() <= max_size && in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    result.append(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  return result;
}

input read_stream(std::string title, std::istream& in) {
  auto text = read_some(in);
  if (in.bad())
    return with_problem(std::move(title), "cannot be read");
  return make_input(std::move(title), std::move(text));
}

input read_file(const fs::path& path) {
  errno = 0;
  auto in = std::ifstream{path, std::ios::binary};
  if (!in)
    return with_problem(path.string(),
                        "cannot be read: " + std::string{std::strerror(errno)});
  return read_stream(path.string(), in);
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

std::vector<input> read_folder(const fs::path& folder) {
  auto files = std::vector<fs::path>{};
  auto error = std::error_code{};
  auto i = fs::recursive_directory_iterator{
    folder, fs::directory_options::skip_permission_denied, error};
  for (; !error && i != fs::recursive_directory_iterator{};
       i.increment(error)) {
    const auto& path = i->path();
    auto ignored = std::error_code{};
    if (is_hidden(path)) {
      i.disable_recursion_pending();
    } else if (const auto kind = path.extension();
               (kind == ".txt" || kind == ".md")
               && i->is_regular_file(ignored)) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  auto result = std::vector<input>{};
  for (const auto& file : files)
    result.push_back(read_file(file));
  if (error)
    result.push_back(with_problem(folder.string(), "cannot be read to the end: "
                                                     + error.message()));
  else if (result.empty())
    result.push_back(with_problem(folder.string(),
                                  "holds no *.txt and no *.md; name the files "
                                  "themselves if they are called otherwise"));
  return result;
}

} // namespace

std::vector<input> built_in_articles() {
  return {
    {"article 1",
     "Async programming in Python allows multiple tasks to run concurrently "
     "within a single thread by yielding control at await points, which is "
     "particularly efficient for I/O-bound workloads such as HTTP requests "
     "and database queries.",
     {}},
    {"article 2",
     "Large language models are trained on vast corpora of text using "
     "self-supervised objectives, enabling them to learn grammar, facts, and "
     "reasoning patterns that can be adapted to a wide range of downstream "
     "tasks through prompting or fine-tuning.",
     {}},
    {"article 3",
     "The observer pattern decouples event producers from consumers by "
     "introducing an intermediary that maintains a list of subscribers and "
     "notifies them when state changes, making it straightforward to add new "
     "listeners without modifying the source.",
     {}},
  };
}

std::vector<input> read_inputs(const std::vector<std::string>& names,
                               std::istream& standard_input) {
  auto result = std::vector<input>{};
  for (const auto& name : names) {
    auto error = std::error_code{};
    if (name == "-") {
      result.push_back(read_stream("standard input", standard_input));
    } else if (const auto status = fs::status(name, error);
               status.type() == fs::file_type::directory) {
      auto inputs = read_folder(name);
      std::move(inputs.begin(), inputs.end(), std::back_inserter(result));
    } else if (status.type() == fs::file_type::not_found) {
      result.push_back(
        with_problem(name, "does not exist; there is no such file or folder"));
    } else {
      result.push_back(read_file(name));
    }
  }
  return result;
}

input make_input(std::string title, std::string text) {
  if (text.size() > max_size)
    return too_large(std::move(title));
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return with_problem(std::move(title), "is in UTF-16; convert it: iconv -f "
                                          "UTF-16 -t UTF-8");
  if (text.find('\0') != std::string::npos)
    return with_problem(std::move(title), "is no text (it holds zero bytes); "
                                          "leave it out");
  if (const auto at = find_invalid_utf8(text))
    return with_problem(std::move(title),
                        "is not valid UTF-8 (byte " + std::to_string(*at + 1)
                          + "); convert it, for example: iconv -f "
                            "ISO-8859-1 -t UTF-8");
  if (text.starts_with("\xEF\xBB\xBF"))
    text.erase(0, 3);
  if (text.find_first_not_of(" \t\r\n\v\f") == std::string::npos)
    return with_problem(std::move(title),
                        "is empty; put some text into it or leave it out");
  return {printable(title), std::move(text), {}};
}

} // namespace summarise
