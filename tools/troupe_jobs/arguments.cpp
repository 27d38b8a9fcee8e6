// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe_jobs {

const char* const usage = R"(Usage: troupe-jobs STORE COMMAND [options]

Looks after the durable jobs in STORE: the file, or the postgresql:// URL, that
a program gives to troupe::durable::open. The programs may go on meanwhile.

  count [QUEUE]        how many jobs are where, by queue
  list [QUEUE]         the jobs, oldest first
    --state STATE      only those that are waiting, running, buried or done
    --after ID         only those with a larger id, to read on
    --limit N          at most so many, from 1 to 1000000 (100)
  show ID...           all about some jobs, with their payloads
  requeue ID...        has buried jobs wait again, as if never tried
  purge ID...          deletes jobs that wait or are buried
  put QUEUE TYPE JSON  puts a job; with - for JSON it is read from the input
    --in SECONDS       it waits for so long
    --unique KEY       unless a job with that key waits or runs
    --priority N       from -100 to 100 (0); higher ones come first

  --json               the output is JSON
  --help, --version

TYPE is the CAF name of the payload's type, and JSON has the form that show
prints. A job of another type than its worker's is buried by that worker.

The exit code is 0; 1 if the store cannot be opened or does not work; 2 for a
mistake in the command line; 3 if a job is not there, or not as it must be.
)";

namespace {

using troupe::durable::job_place;

struct command {
  std::string_view name;
  arguments::task what;
};

constexpr std::array commands{
  command{"count", arguments::task::count},
  command{"list", arguments::task::list},
  command{"show", arguments::task::show},
  command{"requeue", arguments::task::requeue},
  command{"purge", arguments::task::purge},
  command{"put", arguments::task::put},
};

struct state_name {
  std::string_view name;
  job_place what;
};

constexpr std::array states{
  state_name{"waiting", job_place::waiting},
  state_name{"running", job_place::running},
  state_name{"buried", job_place::buried},
  state_name{"done", job_place::done},
};

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T result{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, result);
  return error == std::errc{} && stop == end ? std::optional{result}
                                             : std::nullopt;
}

/// The command line, read word by word.
class reader {
public:
  using task = arguments::task;

  reader(std::span<const char* const> args, arguments& to)
    : rest_(args), to_(to) {
    // nop
  }

  void run() {
    if (rest_.empty())
      fail("no store is named");
    while (!rest_.empty() && to_.problem.empty())
      take(next());
    if (asked_) {
      to_.what = *asked_;
      to_.problem.clear();
    } else if (to_.problem.empty()) {
      place_words();
    }
  }

private:
  void fail(std::string text) {
    if (to_.problem.empty())
      to_.problem = std::move(text);
  }

  std::string_view next() {
    std::string_view result{rest_.front()};
    rest_ = rest_.subspan(1);
    return result;
  }

  void take(std::string_view word) {
    if (only_words_ || word == "-" || !word.starts_with('-'))
      words_.emplace_back(word);
    else if (word == "--")
      only_words_ = true;
    else if (word == "--help" || word == "-h")
      asked_ = task::help;
    else if (word == "--version")
      asked_ = task::version;
    else if (word == "--json")
      to_.json = true;
    else if (auto x = value_of(word, "--state", task::list))
      set_state(*x);
    else if (auto y = value_of(word, "--after", task::list))
      set(to_.which.after, "--after", *y, job_id{0}, last_id);
    else if (auto z = value_of(word, "--limit", task::list))
      set(to_.which.at_most, "--limit", *z, std::size_t{1},
          std::size_t{1'000'000});
    else if (auto u = value_of(word, "--in", task::put))
      set(to_.delay, "--in", *u, 0.0, 1e9);
    else if (auto v = value_of(word, "--unique", task::put))
      to_.unique = *v;
    else if (auto w = value_of(word, "--priority", task::put))
      set(to_.priority, "--priority", *w, -100, 100);
    else
      fail("no option " + std::string{word});
  }

  /// The value of an option, from `--name value` or `--name=value`; none if
  /// `word` is another one.
  std::optional<std::string_view> value_of(std::string_view word,
                                           std::string_view name, task of) {
    if (!word.starts_with(name))
      return std::nullopt;
    word.remove_prefix(name.size());
    if (!word.empty() && !word.starts_with('='))
      return std::nullopt;
    options_.emplace_back(name, of);
    if (!word.empty())
      return word.substr(1);
    if (rest_.empty()) {
      fail(std::string{name} + " needs a value");
      return std::string_view{};
    }
    return next();
  }

  template <class T>
  void
  set(T& to, const std::string& name, std::string_view text, T least, T most) {
    const auto x = parse_number<T>(text);
    if (x && *x >= least && *x <= most)
      to = *x;
    else
      fail(name + " is \"" + std::string{text} + "\"; it must be a number from "
           + shown(least) + " to " + shown(most));
  }

  template <class T>
  static std::string shown(T x) {
    return std::to_string(static_cast<long long>(x));
  }

  void set_state(std::string_view text) {
    const auto* found = std::find_if(states.begin(), states.end(),
                                     [&](auto& x) { return x.name == text; });
    if (found != states.end())
      to_.which.place = found->what;
    else
      fail("--state is \"" + std::string{text}
           + "\"; it must be waiting, running, buried or done");
  }

  /// Finds out what the words mean that are no options.
  void place_words() {
    to_.store = words_[0];
    if (words_.size() < 2)
      return fail("no command is given for the store " + to_.store);
    const auto* found
      = std::find_if(commands.begin(), commands.end(),
                     [&](auto& x) { return x.name == words_[1]; });
    if (found == commands.end())
      return fail("no command " + words_[1]);
    to_.what = found->what;
    for (const auto& [name, of] : options_)
      if (of != to_.what)
        return fail(std::string{name} + " does not belong to " + words_[1]);
    words_.erase(words_.begin(), words_.begin() + 2);
    switch (to_.what) {
      case task::count:
      case task::list:
        if (words_.size() > 1)
          return fail("more than one queue: " + words_[0] + " and "
                      + words_[1]);
        if (!words_.empty())
          to_.which.queue = words_[0];
        break;
      case task::put:
        if (words_.size() != 3)
          return fail("put needs a queue, a type and JSON");
        to_.which.queue = words_[0];
        to_.type = words_[1];
        to_.payload = words_[2];
        break;
      default:
        place_ids(found->name);
        break;
    }
  }

  void place_ids(std::string_view name) {
    if (words_.empty())
      return fail(std::string{name} + " needs the id of a job");
    for (const auto& x : words_) {
      job_id id = 0;
      set(id, "an id", x, job_id{1}, last_id);
      to_.ids.push_back(id);
    }
  }

  static constexpr job_id last_id = std::numeric_limits<job_id>::max();

  std::span<const char* const> rest_;
  arguments& to_;
  std::vector<std::string> words_;
  std::vector<std::pair<std::string_view, task>> options_;
  std::optional<task> asked_;
  bool only_words_ = false;
};

} // namespace

arguments parse_arguments(std::span<const char* const> args) {
  arguments result;
  reader{args, result}.run();
  return result;
}

} // namespace troupe_jobs
