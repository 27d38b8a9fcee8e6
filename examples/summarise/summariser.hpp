// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "anthropic.hpp"
#include "article.hpp"
#include "failure.hpp"
#include "retry.hpp"
#include "screen.hpp"

#include <troupe/queue_consumer.hpp>
#include <troupe/task.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace summarise {

/// What became of one article.
struct summary {
  size_t number = 0;
  std::string text;

  /// Whether the answer was cut because it had reached its length.
  bool is_cut = false;

  /// Why there is no summary.
  std::optional<failure> problem;

  /// Whether other articles would fail for the same reason.
  bool is_hopeless = false;

  std::chrono::milliseconds time{0};
};

/// Thrown by a summariser when no article can be summarised any more, for
/// example because the key is wrong.
class cannot_go_on : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Asks for a summary of each article that is sent to it, one after another,
/// and keeps what became of them. Its client lives as long as `run()`: it is
/// opened and closed there, and needs no hooks.
class summariser : public troupe::queue_consumer<article> {
public:
  struct settings {
    api_settings api;
    retry_policy retry;

    /// How long an answer may take after a stop was asked for.
    std::chrono::milliseconds grace{0};

    /// Ends the answer in progress at once.
    std::stop_token now;

    /// How many items there are, for the screen.
    size_t total = 0;
  };

  summariser(settings how, screen& out);

  troupe::task<> run() override;

  /// To be read when the worker has stopped.
  std::vector<summary> results;

private:
  troupe::task<summary> summarise_one(anthropic_client& client, article item);

  double random();

  settings settings_;
  screen& out_;
  std::minstd_rand generator_{std::random_device{}()};
};

} // namespace summarise
