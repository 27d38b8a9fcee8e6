// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "status.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace troupe_top {

namespace {

using nlohmann::json;

/// An object of the document, and what it is, for the texts of errors.
class object {
public:
  object(const json& content, std::string what)
    : content_(content), what_(std::move(what)) {
    if (!content_.is_object())
      throw not_a_status(what_ + " is no object");
  }

  /// A field, or null if it is not there or is `null`.
  [[nodiscard]] const json* find(const char* key) const {
    auto i = content_.find(key);
    return i == content_.end() || i->is_null() ? nullptr : &*i;
  }

  [[nodiscard]] const json& at(const char* key) const {
    if (const auto* found = find(key))
      return *found;
    throw not_a_status(what_ + " has no \"" + key + '"');
  }

  /// An object in it, or none.
  [[nodiscard]] std::optional<object> part(const char* key) const {
    const auto* found = find(key);
    return found != nullptr
             ? std::optional{object{*found,
                                    '"' + std::string{key} + "\" of " + what_}}
             : std::nullopt;
  }

  /// A list in it, or an empty one.
  [[nodiscard]] const json& list(const char* key) const {
    static const json none = json::array();
    const auto* found = find(key);
    if (found == nullptr)
      return none;
    if (!found->is_array())
      fail(key, "a list");
    return *found;
  }

  [[nodiscard]] std::string text(const char* key) const {
    return text_of(at(key), key);
  }

  [[nodiscard]] std::string text_or_none(const char* key) const {
    const auto* found = find(key);
    return found != nullptr ? text_of(*found, key) : std::string{};
  }

  /// All its fields, which are texts.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> texts() const {
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [key, value] : content_.items())
      result.emplace_back(key, text_of(value, key.c_str()));
    return result;
  }

  [[nodiscard]] double seconds(const char* key) const {
    return seconds_of(at(key), key);
  }

  [[nodiscard]] std::optional<double> seconds_or_none(const char* key) const {
    const auto* found = find(key);
    return found != nullptr ? std::optional{seconds_of(*found, key)}
                            : std::nullopt;
  }

  [[nodiscard]] std::uint64_t count(const char* key,
                                    std::uint64_t otherwise = 0) const {
    const auto* found = find(key);
    if (found == nullptr)
      return otherwise;
    if (!found->is_number_unsigned())
      fail(key, "a whole number of zero or more");
    return found->get<std::uint64_t>();
  }

  [[nodiscard]] bool flag(const char* key, bool otherwise) const {
    const auto* found = find(key);
    if (found == nullptr)
      return otherwise;
    if (!found->is_boolean())
      fail(key, "true or false");
    return found->get<bool>();
  }

private:
  [[noreturn]] void fail(const char* key, const char* expected) const {
    throw not_a_status('"' + std::string{key} + "\" of " + what_ + " is not "
                       + expected);
  }

  [[nodiscard]] std::string text_of(const json& x, const char* key) const {
    if (!x.is_string())
      fail(key, "a text");
    return x.get<std::string>();
  }

  [[nodiscard]] double seconds_of(const json& x, const char* key) const {
    if (!x.is_number())
      fail(key, "a number");
    return x.get<double>();
  }

  const json& content_;
  std::string what_;
};

json parse(std::string_view text) {
  auto result = json::parse(text, nullptr, false);
  if (result.is_discarded())
    throw not_a_status("it is no JSON");
  return result;
}

void check_schema(const object& document) {
  const auto& schema = document.at("schema");
  if (!schema.is_number_integer())
    throw not_a_status("its schema is not a whole number");
  if (schema != known_schema)
    throw not_a_status("its schema is " + schema.dump()
                       + ", and this program "
                         "knows schema "
                       + std::to_string(known_schema)
                       + " only; use the one that belongs to its troupe");
}

life_end decode_end(const object& x) {
  return {.kind = x.text("kind"),
          .reason = x.text_or_none("reason"),
          .abandoned = x.flag("abandoned", false)};
}

queue_counts decode_queue(const object& x) {
  return {.queued = x.count("queued"),
          .in_progress = x.count("in_progress"),
          .sent = x.count("sent"),
          .handled = x.count("handled"),
          .dead_letters = x.count("dead_letters")};
}

worker decode_worker(const object& x, std::size_t depth) {
  worker result{
    .depth = depth,
    .path = x.text("path"),
    .name = x.text("name"),
    .kind = x.text("kind"),
    .state = x.text("state"),
    .phase = x.text("phase"),
    .incarnation = x.count("incarnation", 1),
    .uptime = x.seconds_or_none("uptime").value_or(0),
    .answering = x.flag("answering", true),
    .overlooked = x.flag("overlooked", false),
    .health = x.text_or_none("health"),
    .health_reason = x.text_or_none("health_reason"),
    .restarts = x.count("restarts"),
    .next_retry = x.seconds_or_none("next_retry"),
    .holds = x.count("holds"),
  };
  if (auto end = x.part("last_end"))
    result.last_end = decode_end(*end);
  if (auto fields = x.part("fields"))
    result.fields = fields->texts();
  if (auto queue = x.part("queue"))
    result.queue = decode_queue(*queue);
  return result;
}

stop_in_progress decode_stop(const object& x) {
  stop_in_progress result{.since = x.seconds("since")};
  for (const auto& entry : x.list("awaited")) {
    const object who{entry, "somebody awaited"};
    result.awaited.push_back(
      {.path = who.text("path"),
       .state = who.text_or_none("state"),
       .phase = who.text_or_none("phase"),
       .elapsed = who.seconds_or_none("elapsed").value_or(0),
       .queued = who.count("queued"),
       .holds = who.count("holds")});
  }
  return result;
}

/// Walks down the trees without recursion: a document may be as deep as its
/// sender likes.
std::vector<worker> decode_trees(const json& trees) {
  struct level {
    const json* list;
    std::size_t next;
    std::size_t above; // the index of the worker whose children these are
  };
  std::vector<worker> result;
  std::vector<level> levels{{&trees, 0, 0}};
  for (;;) {
    auto& here = levels.back();
    if (here.next == here.list->size()) {
      const auto above = here.above;
      levels.pop_back();
      if (levels.empty())
        return result;
      result[above].below = result.size() - above - 1;
      continue;
    }
    const object x{(*here.list)[here.next++], "a worker"};
    const auto& children = x.list("children");
    result.push_back(decode_worker(x, levels.size() - 1));
    levels.push_back({&children, 0, result.size() - 1});
  }
}

} // namespace

status decode_status(std::string_view text) {
  const auto content = parse(text);
  const object document{content, "the document"};
  check_schema(document);
  const auto& trees = document.at("trees");
  if (!trees.is_array())
    throw not_a_status("\"trees\" of the document is not a list");
  status result{
    .version = document.text_or_none("version"),
    .at = document.seconds_or_none("at").value_or(0),
    .ready = document.flag("ready", false),
    .why_not_ready = document.text_or_none("why_not_ready"),
    .workers = decode_trees(trees),
  };
  if (auto stop = document.part("stopping"))
    result.stopping = decode_stop(*stop);
  return result;
}

} // namespace troupe_top
