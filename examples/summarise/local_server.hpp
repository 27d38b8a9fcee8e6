// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace summarise {

/// What a local server is told to do wrong, so that tests can see how a client
/// bears it.
struct fault {
  /// One of `fault_names()`.
  std::string name;

  /// Whether it goes away after one request; else it hits every one.
  bool once = false;

  friend bool operator==(const fault&, const fault&) = default;
};

/// Every fault there is: error statuses, "error-event", "cut-stream", ...
const std::vector<std::string>& fault_names();

/// Reads a list such as "429-once,cut-stream-once,500". Of several faults the
/// first one that is still there hits a request.
/// @throws std::invalid_argument with a text for people.
std::vector<fault> parse_faults(std::string_view list);

/// A server for this process alone, on a loopback port of the system's choice,
/// that speaks the Messages API, streaming included, and answers every question
/// with the most central sentence of its text. It takes the place of the real
/// service where there is no key for that.
class local_server {
public:
  struct options {
    /// What stands before the text in a question, and is not part of it.
    std::string prompt;

    /// How long it takes to "think of" a word.
    std::chrono::milliseconds pace{10};

    std::vector<fault> faults;

    /// How many are served at once.
    size_t threads = 4;
  };

  /// Serves when the constructor returns.
  /// @throws std::runtime_error if there is no port to listen on.
  explicit local_server(options how);

  local_server(local_server&&) noexcept;

  local_server& operator=(local_server&&) noexcept;

  /// Cuts off whoever is still served.
  ~local_server();

  /// For the client's `base_url`.
  [[nodiscard]] std::string url() const;

  /// A random key. Without it the server answers 401, as the real one does.
  [[nodiscard]] const std::string& api_key() const;

  /// How many requests there were.
  [[nodiscard]] int requests() const;

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

} // namespace summarise
