// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "failure.hpp"
#include "http.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

namespace summarise {

/// Where the Messages API is, and what it is asked for.
struct api_settings {
  std::string base_url = "https://api.anthropic.com";
  std::string api_key;
  std::string model = "claude-opus-4-7";
  int max_tokens = 128;

  /// Stands before each text.
  std::string prompt = "Summarise in one sentence: ";

  http_options http;
};

/// A complete answer of the model.
struct message {
  std::string text;

  /// Why it ends: "end_turn", "max_tokens", ...
  std::string stop_reason;
};

/// A client for the part of the Anthropic Messages API that summarising needs:
/// one question, one streamed answer. An object is one connection; it may be
/// used by any thread, but by one at a time.
class anthropic_client {
public:
  /// Called with each piece of text as it comes.
  using text_handler = std::function<void(std::string_view)>;

  explicit anthropic_client(api_settings settings);

  /// Asks once, and waits for the end of the answer. Trying again is the
  /// caller's business.
  /// @param until Ends it at once.
  std::variant<message, failure> ask(std::string_view text,
                                     const text_handler& on_text,
                                     const std::stop_token& until);

private:
  api_settings settings_;
  http_client http_;
};

} // namespace summarise
