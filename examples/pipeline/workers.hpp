// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "account.hpp"
#include "chaos.hpp"
#include "messages.hpp"

#include <troupe/queue_consumer.hpp>
#include <troupe/worker.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace pipeline {

/// Says what is in a line.
finding examine(const line& what);

/// What `result` calls the kind of a file.
std::string kind_of(const std::string& file);

/// Adds up what the parsers have found. Ends when they have nothing more.
class writer
  : public troupe::queue_consumer<std::variant<finding, end_of_input>> {
public:
  /// @param out Outlives each life of the writer.
  writer(std::shared_ptr<result> out, size_t parsers, chaos faults);

  troupe::task<> run() override;

private:
  void add(const finding& what);

  std::shared_ptr<result> out_;
  size_t parsers_;
  chaos faults_;
};

/// Examines lines.
class parser : public troupe::queue_consumer<std::variant<line, end_of_input>> {
public:
  parser(troupe::worker_ref<writer> out, chaos faults);

  troupe::task<> run() override;

private:
  troupe::worker_ref<writer> out_;
  chaos faults_;
};

/// Reads lines and gives each to the parser that has the least to do.
class reader : public troupe::worker {
public:
  /// @param in Outlives the reader.
  reader(std::vector<std::string> names, size_t parsers,
         std::shared_ptr<intake> in);

  troupe::task<> on_startup() override;

  troupe::task<> run() override;

private:
  std::vector<std::string> names_;
  std::vector<troupe::worker_ref<parser>> parsers_;
  std::shared_ptr<intake> in_;
};

} // namespace pipeline
