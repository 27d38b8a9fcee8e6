// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "options.hpp"

#include "utf8.hpp"

#include <caf/message.hpp>
#include <caf/pec.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace summarise {

namespace {

using namespace std::chrono_literals;

constexpr auto usage = R"(Usage: summarise [options] [file | folder | -] ...

Prints a one-sentence summary of each text: of files, of all *.txt and *.md in
folders, of standard input (-), or else of three built-in articles. A pool of
workers asks for them, each for one at a time. You see one summary as it comes;
those that come meanwhile follow as a whole.

What can pass, such as a server that is busy, is tried again, after the time
that the server asks for or else longer and longer waits. A text that does not
work, or is left over, is a dead letter: the table at the end says why.

ANTHROPIC_API_KEY   the key for the Messages API; without it a server of this
                    program answers, which picks the most central sentence
ANTHROPIC_BASE_URL  where the API is, if not at https://api.anthropic.com

Ctrl-C finishes the texts in progress and prints what is done; a second one ends
them at once. The exit code is 0 if all is done, 1 if some of it is not, 2 if
nothing could be done.
)";

std::string environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

/// CAF names what was wrong in terms of its parser.
std::string describe(const caf::error& error) {
  auto option = std::string{"an option"};
  if (const auto& context = error.context();
      context.match_elements<std::string>())
    option = printable(context.get_as<std::string>(0));
  if (error == caf::pec::not_an_option)
    return "there is no option " + option;
  if (error == caf::pec::missing_argument)
    return option + " needs a value";
  return "cannot use " + option + ": its value is not of the right kind";
}

bool starts_with_any(std::string_view text,
                     std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](auto prefix) { return text.starts_with(prefix); });
}

bool is_plain_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

} // namespace

config::config() : grace_(grace), timeout_(api.http.silence_timeout) {
  opt_group{custom_options_, "global"}
    .add(api.model, "model", "the model to ask (claude-opus-4-7)")
    .add(api.max_tokens, "max-tokens", "the length of an answer at most (128)")
    .add(api.prompt, "prompt",
         "what stands before each text (\"Summarise in one sentence: \")")
    .add(workers, "workers", "how many texts are summarised at once (2)")
    .add(capacity, "capacity",
         "how many texts may wait for each worker (2); the next ones wait "
         "outside")
    .add(attempts, "attempts", "how often a text is tried at most (5)")
    .add(timeout_, "timeout", "how long the server may be silent (60s)")
    .add(grace_, "grace", "how long it may take to stop after Ctrl-C (5s)");
}

caf::error config::parse(int argc, char** argv) {
  auto options = std::vector<std::string>{argc > 0 ? argv[0] : "summarise"};
  auto rest = std::vector<std::string>{argv + std::min(argc, 1), argv + argc};
  auto fault_list = std::string{};
  for (auto i = rest.begin(); i != rest.end(); ++i) {
    if (*i == "--") {
      names.insert(names.end(), i + 1, rest.end());
      break;
    }
    if (!i->starts_with('-') || *i == "-") {
      names.push_back(std::move(*i));
      continue;
    }
    // CAF 0.18 wants "--name=value" in one piece.
    auto option = *i;
    const auto name = option.starts_with("--") ? option.substr(2)
                                               : std::string{};
    const auto* known = custom_options_.cli_long_name_lookup(name);
    const auto takes_value = name == "fault"
                             || (known != nullptr && !known->is_flag());
    if (takes_value && i + 1 != rest.end())
      option += '=' + *++i;
    else if (takes_value)
      problem_ = option + " needs a value"; // CAF 1.1 would not say so
    // For tests alone, and so not among those that --help lists.
    if (option.starts_with("--fault="))
      fault_list = option.substr(8);
    else
      options.push_back(std::move(option));
  }
  for (const auto& option : options) {
    if (option == "--help" || option == "-h" || option == "-?"
        || option == "--long-help")
      std::cout << usage << '\n' << std::flush;
  }
  auto pointers = std::vector<char*>{};
  for (auto& option : options)
    pointers.push_back(option.data());
  if (auto error = troupe::config::parse(static_cast<int>(pointers.size()),
                                         pointers.data()))
    problem_ = describe(error);
  else if (problem_.empty())
    check();
  try {
    faults = parse_faults(fault_list);
  } catch (const std::invalid_argument& error) {
    problem_ = error.what();
  }
  return {};
}

void config::check() {
  using std::chrono::duration_cast;
  api.api_key = environment("ANTHROPIC_API_KEY");
  if (auto url = environment("ANTHROPIC_BASE_URL"); !url.empty())
    api.base_url = std::move(url);
  grace = duration_cast<std::chrono::milliseconds>(grace_);
  api.http.silence_timeout = duration_cast<std::chrono::milliseconds>(timeout_);
  if (std::count(names.begin(), names.end(), "-") > 1)
    problem_ = "standard input (-) can be read only once";
  else if (!is_plain_ascii(api.api_key))
    problem_ = "ANTHROPIC_API_KEY holds characters that no key has, such as "
               "spaces or line ends";
  else if (!is_plain_ascii(api.base_url)
           || !starts_with_any(api.base_url, {"http://", "https://"}))
    problem_ = "ANTHROPIC_BASE_URL must begin with http:// or https://";
  else if (api.model.empty() || find_invalid_utf8(api.model))
    problem_ = "--model must be the name of a model";
  else if (find_invalid_utf8(api.prompt))
    problem_ = "--prompt must be valid UTF-8";
  else if (api.max_tokens < 1)
    problem_ = "--max-tokens must be at least 1";
  else if (workers < 1 || workers > 64)
    problem_ = "--workers must be from 1 to 64";
  else if (capacity < 1)
    problem_ = "--capacity must be at least 1";
  else if (attempts < 1)
    problem_ = "--attempts must be at least 1";
  else if (api.http.silence_timeout <= 0s || api.http.silence_timeout > 24h)
    problem_ = "--timeout must be more than 0s and not more than 24h";
  else if (grace < 0s || grace > 24h)
    problem_ = "--grace must be from 0s to 24h";
}

} // namespace summarise
