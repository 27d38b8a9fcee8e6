// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "local_server.hpp"

#include "central_sentence.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

namespace summarise {

namespace {

using json = nlohmann::json;

constexpr auto host = "127.0.0.1";

struct api_error {
  int status;
  const char* type;
  const char* text;
};

constexpr auto api_errors = std::array<api_error, 7>{{
  {400, "invalid_request_error", "this request is wrong on purpose"},
  {401, "authentication_error", "invalid x-api-key"},
  {403, "permission_error", "this key may not do that"},
  {413, "request_too_large", "the request is too large"},
  {429, "rate_limit_error", "too many requests"},
  {500, "api_error", "internal server error"},
  {529, "overloaded_error", "overloaded"},
}};

const api_error* find_error(std::string_view status) {
  for (const auto& error : api_errors) {
    if (std::to_string(error.status) == status)
      return &error;
  }
  return nullptr;
}

json error_body(std::string_view type, std::string_view text) {
  return {{"type", "error"}, {"error", {{"type", type}, {"message", text}}}};
}

std::string random_key() {
  auto device = std::random_device{};
  auto result = std::string{"local-"};
  for (int i = 0; i < 32; ++i)
    result += "0123456789abcdef"[device() % 16];
  return result;
}

/// The words of a text, each with the space before it.
std::vector<std::string> pieces_of(std::string_view text) {
  auto result = std::vector<std::string>{};
  while (!text.empty()) {
    const auto end = std::min(text.find(' ', 1), text.size());
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return result;
}

// -- what is asked ------------------------------------------------------------

struct question {
  std::string model;
  int max_tokens = 0;
  bool stream = false;
  std::string text;
};

/// Thrown for a request that the API would refuse with 400.
class bad_request : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

std::string text_of(const json& content) {
  if (content.is_string())
    return content.get<std::string>();
  auto result = std::string{};
  for (const auto& block : content) {
    if (block.value("type", "") == "text")
      result += block.value("text", "");
  }
  return result;
}

question parse_question(const std::string& body) {
  auto result = question{};
  try {
    const auto value = json::parse(body);
    result.model = value.at("model").get<std::string>();
    result.max_tokens = value.at("max_tokens").get<int>();
    result.stream = value.value("stream", false);
    for (const auto& message : value.at("messages")) {
      if (message.at("role") == "user")
        result.text = text_of(message.at("content"));
    }
  } catch (const json::exception& error) {
    throw bad_request{error.what()};
  }
  if (result.max_tokens < 1)
    throw bad_request{"max_tokens: must be at least 1"};
  if (result.text.empty())
    throw bad_request{"messages: text content blocks must be non-empty"};
  return result;
}

// -- what is answered ---------------------------------------------------------

struct answer {
  std::vector<std::string> words;
  std::string stop_reason = "end_turn";
};

answer make_answer(const question& asked, std::string_view prompt) {
  auto text = std::string_view{asked.text};
  if (text.starts_with(prompt))
    text.remove_prefix(prompt.size());
  auto summary = central_sentence(text);
  if (summary.empty())
    summary = "There are no sentences in this text.";
  auto result = answer{pieces_of(summary)};
  // Three words in English are about four tokens.
  const auto limit = std::max(size_t{1},
                              static_cast<size_t>(asked.max_tokens) * 3 / 4);
  if (result.words.size() > limit) {
    result.words.resize(limit);
    result.stop_reason = "max_tokens";
  }
  return result;
}

json message_body(const question& asked, const answer& given, bool complete) {
  auto text = std::string{};
  for (const auto& word : given.words)
    text += word;
  const auto block = json{{"type", "text"}, {"text", text}};
  return {{"id", "msg_local"},
          {"type", "message"},
          {"role", "assistant"},
          {"model", asked.model},
          {"content", complete ? json::array({block}) : json::array()},
          {"stop_reason", complete ? json(given.stop_reason) : json()},
          {"stop_sequence", nullptr},
          {"usage",
           {{"input_tokens", asked.text.size() / 4},
            {"output_tokens", complete ? given.words.size() : 1}}}};
}

} // namespace

// -- the server ---------------------------------------------------------------

class local_server::impl {
public:
  explicit impl(options how) : options_(std::move(how)), key_(random_key()) {
    server_.set_tcp_nodelay(true);
    server_.set_payload_max_length(32 * 1024 * 1024);
    // One request a connection: none idles, which the library would poll.
    server_.set_keep_alive_max_count(1);
    server_.Post("/v1/messages", [this](const auto& request, auto& response) {
      serve(request, response);
    });
    // The library makes its threads as soon as it can be stopped; to stop it
    // before that would have no effect.
    auto ready = std::promise<void>{};
    server_.new_task_queue = [this, &ready] {
      auto queue = std::make_unique<httplib::ThreadPool>(options_.threads);
      ready.set_value();
      return queue.release();
    };
    port_ = server_.bind_to_any_port(host);
    if (port_ <= 0)
      throw std::runtime_error{"no port to listen on at " + std::string{host}};
    thread_ = std::jthread{[this] { server_.listen_after_bind(); }};
    ready.get_future().wait();
  }

  impl(const impl&) = delete;

  impl& operator=(const impl&) = delete;

  ~impl() {
    {
      const auto lock = std::lock_guard{mutex_};
      stopping_ = true;
    }
    stop_.notify_all();
    server_.stop();
  }

  [[nodiscard]] int port() const {
    return port_;
  }

  [[nodiscard]] const std::string& key() const {
    return key_;
  }

  [[nodiscard]] int requests() const {
    return requests_;
  }

private:
  /// @returns the fault that hits this request, or an empty string.
  std::string next_fault() {
    const auto lock = std::lock_guard{mutex_};
    auto& faults = options_.faults;
    if (faults.empty())
      return {};
    auto result = faults.front().name;
    if (faults.front().once)
      faults.erase(faults.begin());
    return result;
  }

  /// @returns `false` if the server stops.
  bool wait_for(std::chrono::milliseconds time) {
    auto lock = std::unique_lock{mutex_};
    return !stop_.wait_for(lock, time, [this] { return stopping_; });
  }

  void wait_for_stop() {
    auto lock = std::unique_lock{mutex_};
    stop_.wait(lock, [this] { return stopping_; });
  }

  static void refuse(httplib::Response& response, const api_error& error,
                     std::string_view text) {
    response.status = error.status;
    response.set_content(error_body(error.type, text).dump(),
                         "application/json");
  }

  void serve(const httplib::Request& request, httplib::Response& response) {
    ++requests_;
    const auto trouble = next_fault();
    if (request.get_header_value("x-api-key") != key_) {
      const auto& error = *find_error("401");
      refuse(response, error, error.text);
      return;
    }
    if (const auto* error = find_error(trouble)) {
      if (error->status == 429 || error->status == 529)
        response.set_header("retry-after", "1");
      refuse(response, *error, error->text);
      return;
    }
    if (trouble == "html") {
      response.set_content("<html>Welcome to this hotel</html>", "text/html");
      return;
    }
    try {
      if (request.get_header_value("anthropic-version") != "2023-06-01")
        throw bad_request{"anthropic-version: 2023-06-01 is required"};
      auto asked = parse_question(request.body);
      auto given = make_answer(asked, options_.prompt);
      if (!asked.stream) {
        response.set_content(message_body(asked, given, true).dump(),
                             "application/json");
        return;
      }
      response.set_header("cache-control", "no-cache");
      response.set_chunked_content_provider(
        "text/event-stream",
        [this, asked = std::move(asked), given = std::move(given),
         trouble](size_t, httplib::DataSink& sink) {
          if (!stream(asked, given, trouble, sink))
            return false; // cuts the connection
          sink.done();
          return true;
        });
    } catch (const bad_request& error) {
      refuse(response, *find_error("400"), error.what());
    }
  }

  bool stream(const question& asked, const answer& given,
              const std::string& trouble, httplib::DataSink& sink) {
    const auto send = [&sink](const std::string& type, json data) {
      data["type"] = type;
      const auto text = "event: " + type + "\ndata: " + data.dump() + "\n\n";
      return sink.write(text.data(), text.size());
    };
    const auto pace = trouble == "slow" ? std::chrono::milliseconds{100}
                                        : options_.pace;
    auto alive = send("message_start",
                      {{"message", message_body(asked, given, false)}})
                 && send("content_block_start",
                         {{"index", 0},
                          {"content_block", {{"type", "text"}, {"text", ""}}}})
                 && send("ping", json::object());
    for (size_t i = 0; alive && i < given.words.size(); ++i) {
      alive
        = send("content_block_delta",
               {{"index", 0},
                {"delta", {{"type", "text_delta"}, {"text", given.words[i]}}}})
          && wait_for(pace);
      if (i != 1)
        continue;
      // Half of the faults happen in the middle.
      if (trouble == "cut-stream")
        return false;
      if (trouble == "early-end")
        return true;
      if (trouble == "hang")
        wait_for_stop();
      if (trouble == "error-event" || trouble == "api-error-event") {
        const auto* error = find_error(trouble == "error-event" ? "529"
                                                                : "500");
        return send("error", error_body(error->type, error->text));
      }
      if (trouble == "garbage") {
        const auto text = std::string{"data: {]\n\n"};
        return sink.write(text.data(), text.size());
      }
    }
    return alive && send("content_block_stop", {{"index", 0}})
           && send("message_delta",
                   {{"delta",
                     {{"stop_reason", given.stop_reason},
                      {"stop_sequence", nullptr}}},
                    {"usage", {{"output_tokens", given.words.size()}}}})
           && send("message_stop", json::object());
  }

  options options_;
  const std::string key_;
  int port_ = 0;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  httplib::Server server_;
  std::jthread thread_; // the last one: joined before the others go
};

// -- the interface ------------------------------------------------------------

const std::vector<std::string>& fault_names() {
  static const auto result = [] {
    auto names = std::vector<std::string>{"error-event", "api-error-event",
                                          "cut-stream",  "early-end",
                                          "garbage",     "hang",
                                          "html",        "slow"};
    for (const auto& error : api_errors)
      names.push_back(std::to_string(error.status));
    std::sort(names.begin(), names.end());
    return names;
  }();
  return result;
}

std::vector<fault> parse_faults(std::string_view list) {
  auto result = std::vector<fault>{};
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    constexpr auto suffix = std::string_view{"-once"};
    const auto once = name.ends_with(suffix);
    if (once)
      name.remove_suffix(suffix.size());
    const auto& names = fault_names();
    if (!std::binary_search(names.begin(), names.end(), name)) {
      auto text = "there is no fault \"" + std::string{name} + "\"; there are";
      for (const auto& known : names)
        text += ' ' + known;
      throw std::invalid_argument{text + ", each also with -once behind it"};
    }
    result.push_back({std::string{name}, once});
  }
  return result;
}

local_server::local_server(options how)
  : impl_(std::make_unique<impl>(std::move(how))) {
  // nop
}

local_server::local_server(local_server&&) noexcept = default;

local_server& local_server::operator=(local_server&&) noexcept = default;

local_server::~local_server() = default;

std::string local_server::url() const {
  return "http://" + std::string{host} + ':' + std::to_string(impl_->port());
}

const std::string& local_server::api_key() const {
  return impl_->key();
}

int local_server::requests() const {
  return impl_->requests();
}

} // namespace summarise
