// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "workers.hpp"

#include "source.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace pipeline {

namespace {

/// After so many messages without a failure one is in order.
constexpr auto healthy_after = 50;

[[noreturn]] void fail_at(const std::string& file, uint64_t number) {
  throw std::runtime_error{"chaos at " + file + ':' + std::to_string(number)};
}

} // namespace

finding examine(const line& what) {
  auto in = std::istringstream{what.text};
  using words = std::istream_iterator<std::string>;
  const auto count = std::distance(words{in}, words{});
  const auto has = [&what](const char* mark) {
    return what.text.find(mark) != std::string::npos;
  };
  return {what.file, what.number, static_cast<uint64_t>(count),
          has("TODO") || has("FIXME")};
}

std::string kind_of(const std::string& file) {
  auto extension = std::filesystem::path{file}.extension().string();
  return extension.empty() ? "(none)" : extension;
}

// -- writer --------------------------------------------------------------------

writer::writer(std::shared_ptr<result> out, size_t parsers, chaos faults)
  : out_(std::move(out)), parsers_(parsers), faults_(faults) {
  faults_.probability /= 10;
}

troupe::task<> writer::run() {
  for (auto done = 1; auto next = co_await get_message(); ++done) {
    if (const auto* found = std::get_if<finding>(&*next))
      add(*found);
    else if (++out_->ends == parsers_)
      co_return; // the last one has nothing more: neither have we
    if (done == healthy_after)
      mark_healthy();
  }
}

void writer::add(const finding& what) {
  if (faults_.strikes("writer", what.file, what.number))
    fail_at(what.file, what.number);
  auto& row = out_->rows[kind_of(what.file)];
  row.files.insert(what.file);
  ++row.lines;
  row.blank += what.words == 0 ? 1 : 0;
  row.words += what.words;
  row.to_do += what.to_do ? 1 : 0;
  ++out_->lines;
}

// -- parser --------------------------------------------------------------------

parser::parser(troupe::worker_ref<writer> out, chaos faults)
  : out_(std::move(out)), faults_(faults) {
  // nop
}

// [snippet pipeline-parser]
troupe::task<> parser::run() {
  for (auto done = 1; auto next = co_await get_message(); ++done) {
    writer::message_type found = end_of_input{};
    if (const auto* text = std::get_if<line>(&*next)) {
      if (faults_.strikes("parser", text->file, text->number))
        fail_at(text->file, text->number);
      found = examine(*text);
    }
    auto sending = send_to(out_, std::move(found)); // waits for room
    // If it is refused, the queue of the writer has counted that.
    [[maybe_unused]] auto error = co_await std::move(sending);
    if (done == healthy_after)
      mark_healthy(); // the next failure is a first one: a short backoff
  }
}
// [end]

// -- reader --------------------------------------------------------------------

reader::reader(std::vector<std::string> names, size_t parsers,
               std::shared_ptr<intake> in)
  : names_(std::move(names)), parsers_(parsers), in_(std::move(in)) {
  // nop
}

troupe::task<> reader::on_startup() {
  const auto group = std::string{"/pipeline/parsers/"};
  for (auto number = 1; auto& each : parsers_)
    each = lookup<parser>(group + std::to_string(number++)).value();
  in_->writer = lookup<writer>("/pipeline/writer").value();
  in_->parsers.assign(parsers_.begin(), parsers_.end());
  co_return;
}

troupe::task<> reader::run() {
  auto input = source{names_};
  for (;;) {
    // It may have to wait, so it has a thread of its own.
    auto reading
      = offload([&input](std::stop_token stop) { return input.read(stop); });
    auto lines = co_await std::move(reading);
    in_->lines += lines.size();
    in_->problems = input.problems();
    if (lines.empty())
      break; // the end, or a stop
    for (auto& each : lines) {
      if (is_stopping())
        co_return; // the account shows what was read and not sent
      auto idlest = std::ranges::min_element(
        parsers_, {}, &troupe::worker_handle::queue_size);
      auto sending = send_to(*idlest, std::move(each)); // waits for room
      auto error = co_await std::move(sending);
      if (error)
        co_return; // it is being stopped
    }
  }
  if (is_stopping())
    co_return;
  for (auto& each : parsers_) {
    auto sending = send_to(each, end_of_input{});
    auto error = co_await std::move(sending);
    if (error)
      co_return;
    ++in_->ends;
  }
}

} // namespace pipeline
