// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "arguments.hpp"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe_top {

const char* const usage = R"(Usage: troupe-top [options] [URL]

Shows the workers of a program that has a troupe::observer.

  --url URL       where the observer is; also $TROUPE_OBSERVER, or else
                  http://127.0.0.1:9464
  --interval S    seconds between two looks, from 0.1 to 3600 (1)
  --restart PATH  has another life of a child begin, and ends when it is ready;
                  no message in its queue is lost. Also --stop PATH, --start PATH
  --once          prints the tree as text and ends
  --once --json   prints the status document as it came, see docs/observer.md
  --help, --version

While it runs:

  up, down, PgUp, PgDn, Home, End   move; left and right, space or Enter fold
                                    and unfold what is below a worker
  /               shows only those with a text in their path; Esc shows all
  s               sorts: as a tree, by queue, by restarts
  q, Ctrl-C       ends

To change something it needs the token of the observer, in
$TROUPE_OBSERVER_TOKEN.

The exit code is 0; 1 if there is no observer, or one that it does not
understand, or that refuses; 2 for a mistake in the command line.
)";

const char* const default_url = "http://127.0.0.1:9464";

namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T result{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, result);
  return error == std::errc{} && stop == end ? std::optional{result}
                                             : std::nullopt;
}

/// Takes the host and the port off the front of a URL without its scheme.
/// @returns whether they are right.
bool take_authority(std::string_view& rest, address& to) {
  auto end = rest.find_first_of("/?#");
  auto authority = rest.substr(0, end);
  rest.remove_prefix(authority.size());
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos)
      return false;
    to.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    end = authority.find(':');
    to.host = authority.substr(0, end);
    authority.remove_prefix(to.host.size());
  }
  if (to.host.empty() || to.host.find('@') != std::string::npos)
    return false;
  if (authority.empty())
    return true;
  const auto port = parse_number<int>(authority.substr(1));
  to.port = port.value_or(0);
  return authority[0] == ':' && to.port > 0 && to.port < 65536;
}

/// Whether a URL holds what would end a line of an HTTP request.
bool has_blanks(std::string_view url) {
  for (const auto c : url)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return true;
  return false;
}

/// The command line, read word by word.
class reader {
public:
  reader(std::span<const char* const> args, arguments& to)
    : rest_(args), to_(to) {
    // nop
  }

  void run() {
    while (!rest_.empty() && to_.problem.empty())
      take(next());
    if (to_.problem.empty() && json_ && !once_)
      to_.problem = "--json needs --once";
    if (to_.problem.empty() && !to_.verb.empty() && once_)
      to_.problem = "--once does not go with --" + to_.verb;
    if (json_)
      to_.what = arguments::task::print_json;
    else if (once_)
      to_.what = arguments::task::print_tree;
    else if (!to_.verb.empty())
      to_.what = arguments::task::command;
    if (asked_)
      to_.what = *asked_;
  }

  std::string url;

private:
  std::string_view next() {
    std::string_view result{rest_.front()};
    rest_ = rest_.subspan(1);
    return result;
  }

  void take(std::string_view word) {
    if (word == "--help" || word == "-h")
      asked_ = arguments::task::help;
    else if (word == "--version")
      asked_ = arguments::task::version;
    else if (word == "--once")
      once_ = true;
    else if (word == "--json")
      json_ = true;
    else if (auto place = value_of(word, "--url"))
      set_url(*place);
    else if (auto seconds = value_of(word, "--interval"))
      set_interval(*seconds);
    else if (auto restarted = value_of(word, "--restart"))
      set_command("restart", *restarted);
    else if (auto started = value_of(word, "--start"))
      set_command("start", *started);
    else if (auto stopped = value_of(word, "--stop"))
      set_command("stop", *stopped);
    else if (!to_.problem.empty())
      return;
    else if (word.starts_with('-'))
      to_.problem = "no option " + std::string{word};
    else
      set_url(word);
  }

  /// The value of an option, from `--name value` or `--name=value`; none if
  /// `word` is another one.
  std::optional<std::string_view> value_of(std::string_view word,
                                           std::string_view name) {
    if (!word.starts_with(name))
      return std::nullopt;
    word.remove_prefix(name.size());
    if (word.starts_with('='))
      return word.substr(1);
    if (!word.empty())
      return std::nullopt;
    if (rest_.empty()) {
      to_.problem = std::string{name} + " needs a value";
      return std::nullopt;
    }
    return next();
  }

  void set_url(std::string_view value) {
    if (!url.empty())
      to_.problem = "more than one URL: " + url + " and " + std::string{value};
    url = value;
  }

  void set_command(std::string verb, std::string_view path) {
    if (!to_.verb.empty())
      to_.problem = "more than one of --stop, --start and --restart";
    else if (!path.starts_with('/') || path.size() < 2)
      to_.problem = "--" + verb + " is \"" + std::string{path}
                    + "\"; it must be a path, such as /tree/writer";
    to_.verb = std::move(verb);
    to_.child = path;
  }

  void set_interval(std::string_view value) {
    const auto seconds = parse_number<double>(value);
    if (!seconds || !(*seconds >= 0.1 && *seconds <= 3600))
      to_.problem = "--interval is \"" + std::string{value}
                    + "\"; it must be seconds from 0.1 to 3600";
    else
      to_.interval = std::chrono::milliseconds{
        static_cast<std::chrono::milliseconds::rep>(*seconds * 1000 + 0.5)};
  }

  std::span<const char* const> rest_;
  arguments& to_;
  bool once_ = false;
  bool json_ = false;
  std::optional<arguments::task> asked_;
};

} // namespace

std::optional<address> parse_address(std::string url) {
  constexpr std::string_view document = "/status.json";
  std::string_view rest = url;
  if (has_blanks(rest))
    return std::nullopt;
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
    if (rest.substr(0, scheme) != "http")
      return std::nullopt;
    rest.remove_prefix(scheme + 3);
  }
  address result;
  if (!take_authority(rest, result)
      || rest.find_first_of("?#") != std::string_view::npos)
    return std::nullopt;
  if (rest.ends_with(document))
    rest.remove_suffix(document.size());
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  result.path = std::string{rest} + std::string{document};
  const auto is_v6 = result.host.find(':') != std::string::npos;
  result.shown = "http://" + (is_v6 ? '[' + result.host + ']' : result.host)
                 + ':' + std::to_string(result.port) + std::string{rest};
  return result;
}

arguments parse_arguments(std::span<const char* const> args,
                          const std::string& environment) {
  arguments result;
  reader words{args, result};
  words.run();
  auto url = !words.url.empty()     ? words.url
             : !environment.empty() ? environment
                                    : std::string{default_url};
  if (auto where = parse_address(url))
    result.where = std::move(*where);
  else if (result.problem.empty())
    result.problem = "no URL of an observer: " + url
                     + "; write it like http://127.0.0.1:9464";
  return result;
}

} // namespace troupe_top
