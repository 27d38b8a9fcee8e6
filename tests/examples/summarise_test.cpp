// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The parts of examples/summarise: what it reads, what it asks, what it does
// when things go wrong. The program as a whole is tested by
// summarise_cli_test.sh.

#include "anthropic.hpp"
#include "central_sentence.hpp"
#include "inputs.hpp"
#include "ledger.hpp"
#include "local_server.hpp"
#include "options.hpp"
#include "retry.hpp"
#include "screen.hpp"
#include "sse.hpp"
#include "utf8.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <caf/message.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using namespace summarise;
using troupe::on_error;
using namespace std::literals;

// -- server-sent events -------------------------------------------------------

namespace {

using events = std::vector<std::pair<std::string, std::string>>;

/// Parses a stream that comes in pieces of a size; 0 is all at once.
events parse(std::string_view stream, size_t piece_size = 0) {
  auto result = events{};
  auto parser = sse_parser{[&](const sse_event& event) {
    result.emplace_back(event.type, event.data);
  }};
  if (piece_size == 0)
    piece_size = std::max(stream.size(), size_t{1});
  for (; !stream.empty();
       stream.remove_prefix(std::min(piece_size, stream.size())))
    parser.feed(stream.substr(0, piece_size));
  return result;
}

std::string with_line_ends(std::string text, const std::string& line_end) {
  auto result = std::string{};
  for (const auto c : text) {
    if (c == '\n')
      result += line_end;
    else
      result += c;
  }
  return result;
}

} // namespace

TEST_CASE("events are the same however their stream is cut into pieces") {
  const auto line_end = GENERATE("\n"s, "\r\n"s, "\r"s);
  const auto stream = with_line_ends("event: a\ndata: one\ndata: two\n\n"
                                     ": a comment\ndata: Grüße, 世界 🎭\n\n"
                                     "data\n\nevent: empty\n\ndata: last\n\n",
                                     line_end);
  const auto expected = events{{"a", "one\ntwo"},
                               {"message", "Grüße, 世界 🎭"},
                               {"message", ""},
                               {"message", "last"}};
  for (size_t size = 0; size <= stream.size(); ++size) {
    CAPTURE(line_end, size);
    CHECK(parse(stream, size) == expected);
  }
}

TEST_CASE("one space behind a colon is not part of the value") {
  CHECK(parse("data:a\n\n") == events{{"message", "a"}});
  CHECK(parse("data: a\n\n") == events{{"message", "a"}});
  CHECK(parse("data:  a\n\n") == events{{"message", " a"}});
  CHECK(parse("data: a: b\n\n") == events{{"message", "a: b"}});
}

TEST_CASE("fields that nobody needs are skipped") {
  CHECK(parse("id: 7\nretry: 100\nfoo: bar\ndata: x\n\n")
        == events{{"message", "x"}});
  CHECK(parse("DATA: x\n\n").empty());
}

TEST_CASE("an event type does not outlive its event") {
  CHECK(parse("event: a\n\ndata: x\n\n") == events{{"message", "x"}});
}

TEST_CASE("a byte order mark is skipped at the beginning alone") {
  CHECK(parse("\xEF\xBB\xBF"
              "data: x\n\n",
              1)
        == events{{"message", "x"}});
  CHECK(parse("\n\xEF\xBB\xBF"
              "data: x\n\n")
          .empty());
}

TEST_CASE("what is not finished at the end is no event") {
  CHECK(parse("data: x\n").empty());
  CHECK(parse("data: x").empty());
  CHECK(parse("data: x\n\r").size() == 1);
}

TEST_CASE("an endless event does not fill the memory") {
  auto parser = sse_parser{[](const sse_event&) {}, 100};
  CHECK_NOTHROW(parser.feed(std::string(100, 'x')));
  CHECK_THROWS_AS(parser.feed("x"), sse_error);
  auto lines = sse_parser{[](const sse_event&) {}, 100};
  const auto feed = [&] {
    for (int i = 0; i < 100; ++i)
      lines.feed("data: xxxxx\n");
  };
  CHECK_THROWS_AS(feed(), sse_error);
}

// -- text ---------------------------------------------------------------------

TEST_CASE("invalid UTF-8 is found where it begins") {
  CHECK(!find_invalid_utf8(""));
  CHECK(!find_invalid_utf8("plain"));
  CHECK(!find_invalid_utf8("ü€𝄞 \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF"));
  const auto bad = GENERATE("\x80"s,             // a tail without a head
                            "\xC3"s,             // a head without a tail
                            "\xC3("s,            // the same
                            "\xC0\xAF"s,         // overlong
                            "\xE0\x80\xAF"s,     // overlong
                            "\xF0\x80\x80\xAF"s, // overlong
                            "\xED\xA0\x80"s,     // a surrogate
                            "\xF4\x90\x80\x80"s, // beyond U+10FFFF
                            "\xFF"s, "\xE2\x82"s);
  CHECK(find_invalid_utf8("ü" + bad) == 2u);
  CHECK(find_invalid_utf8(bad + "ü") == 0u);
}

TEST_CASE("nothing that could control a terminal is printed") {
  CHECK(printable("a\x1B[2Jb\nc\x7F") == "a [2Jb c ");
  CHECK(printable("\xC2\x9B"
                  "31m")
        == " 31m"); // U+009B begins a sequence too
  CHECK(printable("a\xFFü") == "a?ü");
}

TEST_CASE("texts are shortened by characters") {
  CHECK(shortened("Grüße", 5) == "Grüße");
  CHECK(shortened("Grüße!", 5) == "Grüß…");
  CHECK(length_of("Grüß…") == 5);
}

TEST_CASE("sentences end where a reader would say so") {
  using list = std::vector<std::string>;
  CHECK(split_sentences("One. Two! Three? Four")
        == list{"One.", "Two!", "Three?", "Four"});
  CHECK(split_sentences("Dr. Who has 3.5 apples, e.g. red ones. He eats.")
        == list{"Dr. Who has 3.5 apples, e.g. red ones.", "He eats."});
  CHECK(split_sentences("He said \"No.\" She left.")
        == list{"He said \"No.\"", "She left."});
  CHECK(split_sentences("over\ntwo lines\n\nnext paragraph")
        == list{"over two lines", "next paragraph"});
  CHECK(split_sentences("").empty());
  CHECK(split_sentences(" \n ... !? \n").empty());
}

TEST_CASE("of Markdown, only what one reads is left") {
  using list = std::vector<std::string>;
  CHECK(split_sentences("# Heading\n\nA *big* `word`.\n\n"
                        "```cpp\nint no;\n```\n"
                        "| a | table |\n"
                        "- an item\n"
                        "2. a [link](https://example.org/x)\n"
                        "> a quote\n")
        == list{"A big word.", "an item", "a link", "a quote"});
}

TEST_CASE("the central sentence has most in common with the others") {
  CHECK(central_sentence(
          "The weather was fine on that day. "
          "Supervisors restart workers that fail. "
          "A supervisor of workers stops workers within a deadline. "
          "Workers fail, and supervisors restart such workers quickly. "
          "Restarted workers keep their queue.")
        == "Workers fail, and supervisors restart such workers quickly.");
}

TEST_CASE("a single long sentence loses what it says in passing") {
  const auto articles = built_in_articles();
  REQUIRE(articles.size() == 3);
  CHECK(central_sentence(articles[0].text)
        == "Async programming in Python allows multiple tasks to run "
           "concurrently within a single thread by yielding control at await "
           "points.");
  CHECK(central_sentence(articles[1].text)
        == "Large language models are trained on vast corpora of text using "
           "self-supervised objectives.");
  CHECK(central_sentence(articles[2].text)
        == "The observer pattern decouples event producers from consumers by "
           "introducing an intermediary that maintains a list of subscribers "
           "and notifies them when state changes.");
  CHECK(central_sentence("Short, which is nice.") == "Short, which is nice.");
}

TEST_CASE("a text without words has no central sentence") {
  CHECK(central_sentence("").empty());
  CHECK(central_sentence("...\n\n# Heading\n").empty());
}

// -- trying again -------------------------------------------------------------

namespace {

failure with_status(int status) {
  return {.why = failure::cause::status, .status = status};
}

failure with_cause(failure::cause why, std::string type = {}) {
  return {.why = why, .type = std::move(type)};
}

} // namespace

TEST_CASE("what passes is tried again, what lasts is not") {
  using enum failure::cause;
  const auto usual = on_error::retry(4, {.initial = 500ms});
  for (const auto status : {429, 500, 502, 503, 504, 529})
    CHECK(reaction_to(with_status(status), usual) == usual);
  for (const auto status : {301, 400, 403, 404, 413, 422})
    CHECK(reaction_to(with_status(status), usual) == on_error::skip);
  CHECK(reaction_to(with_cause(connection), usual) == usual);
  CHECK(reaction_to(with_cause(truncated), usual) == usual);
  CHECK(reaction_to(with_cause(error_event, "overloaded_error"), usual)
        == usual);
  for (const auto& lasting :
       {with_cause(error_event, "api_error"),
        with_cause(error_event, "invalid_request_error"),
        with_cause(not_understood), with_cause(no_text), with_cause(stopped)})
    CHECK(reaction_to(lasting, usual) == on_error::skip);
  for (const auto& hopeless :
       {with_status(401), with_cause(no_way), with_cause(no_reader)})
    CHECK(reaction_to(hopeless, usual) == on_error::fail);
}

TEST_CASE("a server that says how long to wait is obeyed, within reason") {
  const auto usual = on_error::retry(4, {.initial = 500ms});
  auto busy = with_status(429);
  for (const auto wait : {0ms, 7000ms, 60'000ms}) {
    busy.retry_after = wait;
    const auto reaction = reaction_to(busy, usual);
    CHECK(reaction.what() == on_error::action::retry);
    CHECK(reaction.times() == 4);
    CHECK(reaction.backoff().initial == wait);
    CHECK(reaction.backoff().max == wait);
    CHECK(reaction.backoff().factor == 1.0);
    CHECK(reaction.backoff().jitter == 0.0);
  }
  busy.retry_after = 1h;
  CHECK(reaction_to(busy, usual) == on_error::skip);
}

TEST_CASE("retry-after is read as seconds") {
  CHECK(parse_retry_after("7") == 7000ms);
  CHECK(parse_retry_after("0") == 0ms);
  CHECK(parse_retry_after("1.5") == 1500ms);
  CHECK(parse_retry_after("0.0001") == 1ms);
  for (const auto* bad : {"", "-1", "soon", "7 s", "nan", "inf", "1e99",
                          "Fri, 31 Dec 1999 23:59:59 GMT"})
    CHECK(!parse_retry_after(bad));
}

// -- the client, at the local server ------------------------------------------

namespace {

const auto article_text
  = "Words are here. Two words of this text are here now. "
    "This text has words."s;
const auto summary_of_article = "Two words of this text are here now."s;

api_settings settings_for(const local_server& server) {
  auto result = api_settings{};
  result.base_url = server.url();
  result.api_key = server.api_key();
  result.http.use_proxy = false;
  return result;
}

local_server make_server(std::string_view faults = {}) {
  return local_server{{.prompt = api_settings{}.prompt,
                       .pace = 0ms,
                       .faults = parse_faults(faults)}};
}

struct asked {
  std::variant<message, failure> result;
  std::string streamed;

  [[nodiscard]] bool succeeded() const {
    return std::holds_alternative<message>(result);
  }

  [[nodiscard]] const message& given() const {
    return std::get<message>(result);
  }

  [[nodiscard]] const failure& problem() const {
    return std::get<failure>(result);
  }
};

asked ask(anthropic_client& client, const std::stop_token& until = {}) {
  auto streamed = std::string{};
  const auto on_text = [&](std::string_view piece) { streamed += piece; };
  auto result = client.ask(article_text, on_text, until);
  return {std::move(result), std::move(streamed)};
}

asked ask(const local_server& server) {
  auto client = anthropic_client{settings_for(server)};
  return ask(client);
}

/// Asks a server that answers with one fault.
failure ask_with(std::string_view faults) {
  const auto server = make_server(faults);
  const auto answer = ask(server);
  REQUIRE(!answer.succeeded());
  return answer.problem();
}

} // namespace

TEST_CASE("an answer is streamed and given as a whole") {
  const auto server = make_server();
  const auto answer = ask(server);
  REQUIRE(answer.succeeded());
  CHECK(answer.given().text == summary_of_article);
  CHECK(answer.given().stop_reason == "end_turn");
  CHECK(answer.streamed == summary_of_article);
}

TEST_CASE("a client asks again and again") {
  const auto server = make_server("500-once,cut-stream-once");
  auto client = anthropic_client{settings_for(server)};
  CHECK(!ask(client).succeeded());
  CHECK(!ask(client).succeeded());
  for (int i = 0; i < 20; ++i)
    CHECK(ask(client).succeeded());
  CHECK(server.requests() == 22);
}

TEST_CASE("clients on several threads do not disturb each other") {
  const auto server = make_server();
  auto results = std::vector<std::future<int>>{};
  for (int i = 0; i < 4; ++i)
    results.push_back(std::async(std::launch::async, [&] {
      auto succeeded = 0;
      for (int k = 0; k < 10; ++k)
        succeeded += ask(server).succeeded() ? 1 : 0;
      return succeeded;
    }));
  for (auto& result : results)
    CHECK(result.get() == 10);
}

TEST_CASE("an answer has no more tokens than it may") {
  const auto server = make_server();
  auto settings = settings_for(server);
  settings.max_tokens = 4;
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(answer.succeeded());
  CHECK(answer.given().text == "Two words of");
  CHECK(answer.given().stop_reason == "max_tokens");
}

TEST_CASE("texts of every alphabet arrive as they are") {
  const auto server = make_server();
  auto client = anthropic_client{settings_for(server)};
  const auto original = "Grüße aus 世界, sagt \"🎭\" \\ zu allen\tLeuten."s;
  const auto ignore = [](std::string_view) {};
  const auto answer = client.ask(original, ignore, {});
  REQUIRE(std::holds_alternative<message>(answer));
  CHECK(std::get<message>(answer).text == original);
}

TEST_CASE("error statuses are told with type and text") {
  const auto [status, type]
    = GENERATE(table<int, std::string>({{400, "invalid_request_error"},
                                        {401, "authentication_error"},
                                        {403, "permission_error"},
                                        {413, "request_too_large"},
                                        {429, "rate_limit_error"},
                                        {500, "api_error"},
                                        {529, "overloaded_error"}}));
  const auto problem = ask_with(std::to_string(status));
  CHECK(problem.why == failure::cause::status);
  CHECK(problem.status == status);
  CHECK(problem.type == type);
  CHECK(problem.text.find(std::to_string(status)) != std::string::npos);
  CHECK(problem.text.find(type) != std::string::npos);
  CHECK(problem.retry_after.has_value() == (status == 429 || status == 529));
}

TEST_CASE("a wrong key is told, with what to do") {
  const auto server = make_server();
  auto settings = settings_for(server);
  settings.api_key = "wrong";
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().status == 401);
  CHECK(answer.problem().text.find("check ANTHROPIC_API_KEY")
        != std::string::npos);
}

TEST_CASE("a bad request is told") {
  const auto server = make_server();
  auto settings = settings_for(server);
  settings.max_tokens = 0;
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().status == 400);
  CHECK(answer.problem().text.find("max_tokens") != std::string::npos);
}

TEST_CASE("an error event in the middle of an answer ends it") {
  const auto overloaded = ask_with("error-event");
  CHECK(overloaded.why == failure::cause::error_event);
  CHECK(overloaded.type == "overloaded_error");
  const auto other = ask_with("api-error-event");
  CHECK(other.why == failure::cause::error_event);
  CHECK(other.type == "api_error");
}

TEST_CASE("an answer that breaks off is no answer") {
  CHECK(ask_with("cut-stream").why == failure::cause::truncated);
  CHECK(ask_with("early-end").why == failure::cause::truncated);
}

TEST_CASE("what is not the Messages API is told as such") {
  CHECK(ask_with("html").why == failure::cause::not_understood);
  CHECK(ask_with("html").text.find("ANTHROPIC_BASE_URL") != std::string::npos);
  CHECK(ask_with("garbage").why == failure::cause::not_understood);
}

TEST_CASE("a server that is not there is a broken connection") {
  auto settings = api_settings{};
  {
    const auto server = make_server();
    settings = settings_for(server);
  }
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().why == failure::cause::connection);
}

TEST_CASE("a URL that is none will not become one") {
  auto settings = api_settings{};
  settings.base_url = GENERATE("gopher://localhost"s, "http://[::"s);
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().why == failure::cause::no_way);
}

TEST_CASE("a silent server is not waited for") {
  const auto server = make_server("hang");
  auto settings = settings_for(server);
  settings.http.silence_timeout = 50ms;
  auto client = anthropic_client{settings};
  const auto answer = ask(client);
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().why == failure::cause::truncated);
  CHECK(answer.problem().text.find("silent") != std::string::npos);
}

TEST_CASE("an interruption ends a transfer at once") {
  const auto server = make_server("hang");
  auto client = anthropic_client{settings_for(server)};
  auto source = std::stop_source{};
  auto thread = std::jthread{};
  // The first piece of text says that the transfer is under way; the server
  // sends no more than two.
  auto seen = 0;
  const auto on_text = [&](std::string_view) {
    if (++seen == 2)
      thread = std::jthread{[&source] { source.request_stop(); }};
  };
  const auto answer = client.ask(article_text, on_text, source.get_token());
  REQUIRE(std::holds_alternative<failure>(answer));
  CHECK(std::get<failure>(answer).why == failure::cause::stopped);
}

TEST_CASE("an interruption from before begins nothing") {
  const auto server = make_server("hang");
  auto client = anthropic_client{settings_for(server)};
  auto source = std::stop_source{};
  source.request_stop();
  const auto answer = ask(client, source.get_token());
  REQUIRE(!answer.succeeded());
  CHECK(answer.problem().why == failure::cause::stopped);
}

TEST_CASE("what a reader throws ends the transfer and comes out") {
  const auto server = make_server();
  auto client = anthropic_client{settings_for(server)};
  const auto on_text = [](std::string_view) {
    throw std::runtime_error{"enough"};
  };
  CHECK_THROWS_AS(client.ask(article_text, on_text, {}), std::runtime_error);
  CHECK(ask(client).succeeded());
}

TEST_CASE("fault lists are checked") {
  CHECK(parse_faults("").empty());
  CHECK(parse_faults("429-once,cut-stream")
        == std::vector<fault>{{"429", true}, {"cut-stream", false}});
  for (const auto* bad : {"430", "429-twice", "a,b", ","})
    CHECK_THROWS_AS(parse_faults(bad), std::invalid_argument);
}

// -- inputs -------------------------------------------------------------------

namespace {

/// A folder that is gone when the test is over.
class temporary_folder {
public:
  temporary_folder() {
    auto name
      = (std::filesystem::temp_directory_path() / "summarise.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"mkdtemp"};
    path_ = name;
  }

  temporary_folder(const temporary_folder&) = delete;

  temporary_folder& operator=(const temporary_folder&) = delete;

  ~temporary_folder() {
    auto ignored = std::error_code{};
    std::filesystem::remove_all(path_, ignored);
  }

  /// Writes a file, and the folders above it.
  std::string write(const std::string& name, std::string_view content) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << content;
    return file.string();
  }

  [[nodiscard]] std::string path() const {
    return path_.string();
  }

private:
  std::filesystem::path path_;
};

std::vector<input> read(const std::vector<std::string>& names,
                        const std::string& standard_input = {}) {
  auto in = std::istringstream{standard_input};
  return read_inputs(names, in);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("folders are read with the folders in them, by name") {
  const auto folder = temporary_folder{};
  folder.write("b.txt", "b");
  folder.write("a/z.md", "z");
  folder.write("a/code.cpp", "no");
  folder.write(".hidden/x.md", "no");
  folder.write("c.TXT", "no");
  const auto inputs = read({folder.path()});
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].text == "z");
  CHECK(inputs[1].text == "b");
  CHECK(inputs[1].title == folder.path() + "/b.txt");
}

TEST_CASE("files and standard input come in the order given") {
  const auto folder = temporary_folder{};
  const auto file = folder.write("any.name", "one");
  const auto inputs = read({"-", file}, "two");
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].text == "two");
  CHECK(inputs[1].text == "one");
}

TEST_CASE("one bad input does not lose the others") {
  const auto folder = temporary_folder{};
  const auto good = folder.write("good.txt", "\xEF\xBB\xBFgood");
  const auto empty = folder.write("empty.txt", "");
  const auto blank = folder.write("blank.txt", " \r\n\t\n");
  const auto latin = folder.write("latin.txt", "Gr\xFC\xDF"
                                               "e");
  const auto wide = folder.write("wide.txt", "\xFF\xFEg\0"sv);
  const auto binary = folder.write("binary.txt", "a\0b"sv);
  const auto large = folder.write("large.txt",
                                  std::string(9 * 1024 * 1024, 'x'));
  const auto inputs = read(
    {empty, blank, latin, wide, binary, large, folder.path() + "/none", good});
  REQUIRE(inputs.size() == 8);
  CHECK(has(inputs[0].problem, "empty"));
  CHECK(has(inputs[1].problem, "empty"));
  CHECK(has(inputs[2].problem, "not valid UTF-8 (byte 3)"));
  CHECK(has(inputs[2].problem, "iconv"));
  CHECK(has(inputs[3].problem, "UTF-16"));
  CHECK(has(inputs[4].problem, "zero bytes"));
  CHECK(has(inputs[5].problem, "8 MiB"));
  CHECK(has(inputs[6].problem, "no such file"));
  CHECK(inputs[7].problem.empty());
  CHECK(inputs[7].text == "good");
}

TEST_CASE("a folder without texts is told") {
  const auto folder = temporary_folder{};
  const auto inputs = read({folder.path()});
  REQUIRE(inputs.size() == 1);
  CHECK(has(inputs[0].problem, "no *.txt"));
}

// -- options ------------------------------------------------------------------

namespace {

/// Sets a variable of the environment for one test.
class environment_variable {
public:
  environment_variable(const char* name, const char* value) : name_(name) {
    if (const auto* old = std::getenv(name))
      old_ = old;
    setenv(name, value, 1);
  }

  environment_variable(const environment_variable&) = delete;

  environment_variable& operator=(const environment_variable&) = delete;

  ~environment_variable() {
    if (old_)
      setenv(name_, old_->c_str(), 1);
    else
      unsetenv(name_);
  }

private:
  const char* name_;
  std::optional<std::string> old_;
};

void parse(config& cfg, std::vector<std::string> arguments) {
  // CAF_MAIN does this in a program.
  static const auto once = (caf::core::init_global_meta_objects(), true);
  std::ignore = once;
  arguments.insert(arguments.begin(), "summarise");
  auto pointers = std::vector<char*>{};
  for (auto& argument : arguments)
    pointers.push_back(argument.data());
  CHECK(!cfg.parse(static_cast<int>(pointers.size()), pointers.data()));
}

std::string problem_of(std::vector<std::string> arguments) {
  auto cfg = config{};
  parse(cfg, std::move(arguments));
  return cfg.problem();
}

} // namespace

TEST_CASE("without options everything is as in the description") {
  auto cfg = config{};
  parse(cfg, {});
  CHECK(cfg.problem().empty());
  CHECK(cfg.api.model == "claude-opus-4-7");
  CHECK(cfg.api.max_tokens == 128);
  CHECK(cfg.api.prompt == "Summarise in one sentence: ");
  CHECK(cfg.names.empty());
}

TEST_CASE("options may stand anywhere and be written both ways") {
  auto cfg = config{};
  parse(cfg,
        {"a.txt", "--model=m", "-", "--prompt", "Say: ", "b", "--max-tokens",
         "7", "--attempts=2", "--workers=3", "--capacity", "9", "--grace=250ms",
         "--timeout", "3s", "--fault=500,slow-once", "--", "--model"});
  CHECK(cfg.problem().empty());
  CHECK(cfg.names == std::vector<std::string>{"a.txt", "-", "b", "--model"});
  CHECK(cfg.api.model == "m");
  CHECK(cfg.api.prompt == "Say: ");
  CHECK(cfg.api.max_tokens == 7);
  CHECK(cfg.attempts == 2);
  CHECK(cfg.workers == 3);
  CHECK(cfg.capacity == 9);
  CHECK(cfg.grace == 250ms);
  CHECK(cfg.api.http.silence_timeout == 3s);
  CHECK(cfg.faults == std::vector<fault>{{"500", false}, {"slow", true}});
}

TEST_CASE("CAF's own options work too") {
  auto cfg = config{};
  parse(cfg, {"--caf.scheduler.max-threads=3", "a"});
  CHECK(cfg.problem().empty());
  CHECK(get_or(cfg, "caf.scheduler.max-threads", size_t{0}) == 3);
}

TEST_CASE("the environment is honoured") {
  const auto key = environment_variable{"ANTHROPIC_API_KEY", "sk-1"};
  const auto url = environment_variable{"ANTHROPIC_BASE_URL", "http://x/"};
  auto cfg = config{};
  parse(cfg, {});
  CHECK(cfg.problem().empty());
  CHECK(cfg.api.api_key == "sk-1");
  CHECK(cfg.api.base_url == "http://x/");
}

TEST_CASE("bad options are told") {
  const auto bad = GENERATE("--max-tokens=0"s, "--max-tokens=-1"s,
                            "--max-tokens=many"s, "--max-tokens=99999999999"s,
                            "--attempts=0"s, "--grace=-1s"s, "--timeout=0s"s,
                            "--timeout=-5s"s, "--timeout=25h"s, "--grace=25h"s,
                            "--prompt=\xFF"s, "--model=\xFF"s, "--unknown"s,
                            "--unknown=1"s, "--workers=0"s, "--workers=65"s,
                            "--workers=-1"s, "--capacity=0"s, "--capacity=few"s,
                            "-x"s, "--model"s, "--fault=nonsense"s);
  CAPTURE(bad);
  CHECK(!problem_of({bad}).empty());
  CHECK(!problem_of({"file", bad}).empty());
}

TEST_CASE("bad environments and names are told") {
  CHECK(has(problem_of({"-", "-"}), "only once"));
  CHECK(problem_of({"--nonsense=1"}) == "there is no option --nonsense=1");
  CHECK(problem_of({"--model"}) == "--model needs a value");
  CHECK(has(problem_of({"--attempts=few"}), "cannot use --attempts=few"));
  {
    const auto key = environment_variable{"ANTHROPIC_API_KEY", "sk\nx: y"};
    CHECK(has(problem_of({}), "ANTHROPIC_API_KEY"));
  }
  {
    const auto url = environment_variable{"ANTHROPIC_BASE_URL", "file:///etc"};
    CHECK(has(problem_of({}), "ANTHROPIC_BASE_URL"));
  }
}

// -- the screen ---------------------------------------------------------------

TEST_CASE("a remark in the middle of a summary has a line of its own") {
  auto out = std::ostringstream{};
  auto shown = screen{out};
  {
    auto one = shown.begin("a\x1B", 1);
    one.stream("One ");
    one.stream("two\nthree");
    shown.remark("remark");
    one.stream("four");
    one.remark("done");
  }
  auto two = shown.begin("b", 2);
  CHECK(out.str() == "a \n  One two three\nremark\n  four\ndone\nb, try 2\n");
}

TEST_CASE("of several summaries the first is seen as it comes, the others as a "
          "whole") {
  auto out = std::ostringstream{};
  auto shown = screen{out};
  auto one = std::make_optional<screen::passage>(shown, "1");
  auto two = std::make_optional<screen::passage>(shown, "2");
  auto three = std::make_optional<screen::passage>(shown, "3");
  three->stream("A ");
  one->stream("B ");
  two->stream("C");
  three->stream("D");
  shown.note("note");
  one->stream("E");
  CHECK(out.str() == "1\n  B E");
  three.reset();
  CHECK(out.str() == "1\n  B E");
  one.reset();
  CHECK(out.str() == "1\n  B E\n2\n  C");
  two->stream("F");
  CHECK(out.str() == "1\n  B E\n2\n  CF");
  two.reset();
  CHECK(out.str() == "1\n  B E\n2\n  CF\n3\n  A D\nnote\n");
}

TEST_CASE("the columns of the table stand under each other") {
  auto out = std::ostringstream{};
  auto shown = screen{out};
  shown.table({{"Grüße", 1234ms, "done"}, {"b", {}, "not begun"}});
  CHECK(out.str()
        == "\n"
           "   item     time  status\n"
           "1  Grüße  1.23 s  done\n"
           "2  b           -  not begun\n");
}

TEST_CASE("a screen that cannot be written to says so") {
  auto out = std::ostringstream{};
  auto shown = screen{out};
  CHECK(shown.good());
  out.setstate(std::ios::badbit);
  CHECK(!shown.good());
}

// -- the ledger ---------------------------------------------------------------

namespace {

troupe::dead_letter letter_of(const article& what,
                              troupe::dead_letter_reason why,
                              std::exception_ptr thrown = nullptr) {
  return {.reason = why,
          .path = "/x",
          .message = caf::make_message(what),
          .thrown = std::move(thrown)};
}

std::vector<std::string> statuses(const ledger& of) {
  auto result = std::vector<std::string>{};
  for (const auto& row : of.rows())
    result.push_back(row.status);
  return result;
}

} // namespace

TEST_CASE("the ledger says what became of each input") {
  using enum troupe::dead_letter_reason;
  static const auto once
    = (caf::init_global_meta_objects<caf::id_block::summarise>(), true);
  std::ignore = once;
  auto inputs = std::vector<input>(7);
  inputs[0].problem = "is empty";
  auto book = ledger{inputs};
  const auto item = [](size_t number) { return article{number, "x", "y"}; };
  CHECK(book.name_of(item(2)) == "[2/7] x");
  CHECK(book.begin(item(2)) == 1);
  CHECK(book.begin(item(2)) == 2);
  book.finish(item(2), false);
  book.begin(item(3));
  book.finish(item(3), true);
  book.begin(item(4));
  const auto refused = std::make_exception_ptr(no_summary{{.text = "refused"}});
  book.bury(letter_of(item(4), failed, refused));
  book.begin(item(5));
  book.bury(letter_of(item(5), lost));
  book.bury(letter_of(item(6), discarded));
  CHECK(statuses(book)
        == std::vector<std::string>{
          "failed: is empty", "done", "done, but cut at --max-tokens",
          "dead letter (failed): refused", "dead letter (lost): stopped",
          "dead letter (discarded): not begun", "not begun"});
  CHECK(book.done() == 2);
  CHECK(book.size() == 7);
  const auto rows = book.rows();
  for (size_t i = 0; i < rows.size(); ++i)
    CHECK(rows[i].time.has_value() == (i >= 1 && i <= 4));
}

TEST_CASE("the ledger waits for those that can still be done") {
  using enum troupe::dead_letter_reason;
  auto book = ledger{std::vector<input>(2)};
  const auto one = article{1, "x", "y"};
  const auto two = article{2, "x", "y"};
  auto stopped = std::stop_source{};
  stopped.request_stop();
  book.wait(stopped.get_token()); // a stop ends it
  auto waiting = std::async(std::launch::async, [&] { book.wait({}); });
  book.begin(one);
  book.finish(one, false);
  CHECK(waiting.wait_for(0ms) == std::future_status::timeout);
  book.begin(two);
  book.bury(letter_of(two, failed));
  waiting.get();
  auto empty = ledger{{}};
  empty.wait({});
}
