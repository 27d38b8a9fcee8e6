// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "anthropic.hpp"

#include "sse.hpp"
#include "utf8.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace summarise {

namespace {

using json = nlohmann::json;

/// A string somewhere inside a value from outside, where anything may be.
std::string string_at(const json& value, const char* pointer) {
  const auto at = json::json_pointer{pointer};
  return value.contains(at) && value[at].is_string()
           ? value[at].get<std::string>()
           : std::string{};
}

/// The first line of an error page, say, for a message on one line.
std::string excerpt(const std::string& body) {
  return shortened(printable(body), 120);
}

// -- the stream ---------------------------------------------------------------

/// Puts a message together from the events of its stream.
class message_reader {
public:
  explicit message_reader(const anthropic_client::text_handler& on_text)
    : on_text_(on_text) {
    // nop
  }

  void on_event(const sse_event& event) {
    if (is_done())
      return;
    const auto data = json::parse(event.data, nullptr, false);
    if (!data.is_object()) {
      fail(failure::cause::not_understood, {},
           "the server sent an event that is not JSON: " + excerpt(event.data));
      return;
    }
    // Both say it; where they differ, the official clients believe the data.
    auto type = string_at(data, "/type");
    if (type.empty())
      type = event.type;
    if (type == "content_block_start")
      add_text(string_at(data, "/content_block/text"));
    else if (type == "content_block_delta") {
      if (string_at(data, "/delta/type") == "text_delta")
        add_text(string_at(data, "/delta/text"));
    } else if (type == "message_delta") {
      if (auto reason = string_at(data, "/delta/stop_reason"); !reason.empty())
        message_.stop_reason = std::move(reason);
    } else if (type == "message_stop") {
      complete_ = true;
    } else if (type == "error") {
      auto error = string_at(data, "/error/type");
      auto text = "the server ended the answer with an error: "
                  + string_at(data, "/error/message") + " (" + error + ')';
      fail(failure::cause::error_event, std::move(error), std::move(text));
    }
    // Others ("message_start", "content_block_stop", "ping") say nothing that
    // is needed here, and new ones may come.
  }

  void fail(failure::cause why, std::string type, std::string text) {
    failure_ = failure{why, 0, std::move(type), printable(text), std::nullopt};
  }

  [[nodiscard]] bool has_failed() const {
    return failure_.has_value();
  }

  [[nodiscard]] bool is_done() const {
    return complete_ || has_failed();
  }

  /// Call only when `is_done()`.
  std::variant<message, failure> result() {
    if (!failure_
        && message_.text.find_first_not_of(" \r\n\t") == std::string::npos)
      fail(failure::cause::no_text, {},
           "the answer has no text (stop reason: " + message_.stop_reason
             + ')');
    if (failure_)
      return *std::move(failure_);
    return std::move(message_);
  }

private:
  void add_text(std::string_view text) {
    if (text.empty())
      return;
    message_.text += text;
    on_text_(text);
  }

  const anthropic_client::text_handler& on_text_;
  message message_;
  bool complete_ = false;
  std::optional<failure> failure_;
};

// -- everything else ----------------------------------------------------------

/// What a person can do about an error status.
const char* advice(int status) {
  switch (status) {
    case 401:
      return "; check ANTHROPIC_API_KEY";
    case 403:
      return "; this key may not use the model";
    case 404:
      return "; check --model and ANTHROPIC_BASE_URL";
    case 413:
      return "; split the text";
    default:
      return "";
  }
}

failure from_status(const http_reply& reply) {
  const auto body = json::parse(reply.body, nullptr, false);
  const auto type = body.is_object() ? string_at(body, "/error/type") : "";
  auto text = body.is_object() ? string_at(body, "/error/message") : "";
  if (text.empty())
    text = excerpt(reply.body);
  auto result = failure{};
  result.why = failure::cause::status;
  result.status = reply.status;
  result.type = type;
  result.text = "the server answered " + std::to_string(reply.status);
  if (!text.empty())
    result.text += ": " + printable(text);
  if (!type.empty())
    result.text += " (" + printable(type) + ')';
  result.text += advice(reply.status);
  if (reply.retry_after) {
    result.retry_after = parse_retry_after(*reply.retry_after);
    if (result.retry_after)
      result.text += "; it asks to wait " + printable(*reply.retry_after)
                     + " s";
  }
  return result;
}

failure without_message(const http_reply& reply) {
  using end = http_reply::end;
  auto result = failure{};
  if (reply.how == end::interrupted) {
    result.why = failure::cause::stopped;
    result.text = "stopped";
  } else if (reply.status != 0 && reply.status != 200) {
    result = from_status(reply);
  } else if (reply.status == 0) {
    result.why = reply.how == end::impossible ? failure::cause::no_way
                                              : failure::cause::connection;
    result.text = "no answer: " + printable(reply.error);
  } else if (!reply.content_type.starts_with("text/event-stream")) {
    result.why = failure::cause::not_understood;
    result.status = reply.status;
    result.text = "the server answered with \"" + printable(reply.content_type)
                  + "\", not with an event stream; check ANTHROPIC_BASE_URL";
  } else {
    result.why = failure::cause::truncated;
    result.status = reply.status;
    result.text = "the answer broke off";
    if (!reply.error.empty())
      result.text += ": " + printable(reply.error);
  }
  return result;
}

std::string endpoint(std::string base_url) {
  while (base_url.ends_with('/'))
    base_url.pop_back();
  return base_url + "/v1/messages";
}

} // namespace

anthropic_client::anthropic_client(api_settings settings)
  : settings_(std::move(settings)), http_(settings_.http) {
  // nop
}

std::variant<message, failure>
anthropic_client::ask(std::string_view text, const text_handler& on_text,
                      const std::stop_token& until) {
  const auto body = json{
    {"model", settings_.model},
    {"max_tokens", settings_.max_tokens},
    {"stream", true},
    {"messages",
     json::array({{{"role", "user"},
                   {"content", settings_.prompt + std::string{text}}}})}};
  const auto request = http_request{
    endpoint(settings_.base_url),
    {"content-type: application/json", "accept: text/event-stream",
     "anthropic-version: 2023-06-01", "x-api-key: " + settings_.api_key},
    body.dump()};
  auto reader = message_reader{on_text};
  auto parser = sse_parser{[&](const sse_event& e) { reader.on_event(e); }};
  const auto on_body = [&](std::string_view piece) {
    try {
      parser.feed(piece);
    } catch (const sse_error& error) {
      reader.fail(failure::cause::not_understood, {}, error.what());
    }
    // A complete message is read to the end of its stream, so that the
    // connection can serve the next one.
    return !reader.has_failed();
  };
  const auto reply = http_.post(request, on_body, until);
  if (reader.is_done())
    return reader.result();
  return without_message(reply);
}

} // namespace summarise
