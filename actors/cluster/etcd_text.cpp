// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/etcd_text.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace troupe::cluster::etcd_text {

using nlohmann::json;

namespace {

constexpr std::string_view digits
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string number(std::int64_t x) {
  return std::to_string(x);
}

/// A member that may be left out.
const json& at(const json& x, const char* key) {
  static const json nothing;
  if (!x.is_object())
    return nothing;
  const auto found = x.find(key);
  return found != x.end() ? *found : nothing;
}

/// A number of 64 bits: a text, or left out when it is zero.
std::int64_t number_at(const json& x, const char* key) {
  const auto& value = at(x, key);
  if (value.is_null())
    return 0;
  if (value.is_number_integer())
    return value.get<std::int64_t>();
  if (!value.is_string())
    throw std::runtime_error{std::string{key} + " is no number"};
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t result = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || rest != end)
    throw std::runtime_error{std::string{key} + " is \"" + text
                             + "\", which is no number"};
  return result;
}

bool bool_at(const json& x, const char* key) {
  const auto& value = at(x, key);
  return value.is_boolean() && value.get<bool>();
}

std::string bytes_at(const json& x, const char* key) {
  const auto& value = at(x, key);
  return value.is_string() ? bytes_of(value.get_ref<const std::string&>())
                           : std::string{};
}

/// Reads an answer with `read`.
/// @returns its result, or why the answer cannot be read.
template <class F>
auto parse(const std::string& body, F read)
  -> reply<decltype(read(std::declval<const json&>()))> {
  using result = reply<decltype(read(std::declval<const json&>()))>;
  try {
    const auto x = json::parse(body);
    if (!x.is_object())
      throw std::runtime_error{"it is no object"};
    if (const auto& error = at(x, "error"); !error.is_null())
      return result::failed(read_error(0, body));
    return result{read(x)};
  } catch (const std::exception& e) {
    return result::failed(std::string{"etcd's answer cannot be read: "}
                          + e.what());
  }
}

std::int64_t revision_of(const json& x) {
  const auto result = number_at(at(x, "header"), "revision");
  if (result == 0)
    throw std::runtime_error{"it has no revision"};
  return result;
}

json equals(std::string_view key, std::int64_t made_at) {
  return {{"key", base64(key)},
          {"target", "CREATE"},
          {"result", "EQUAL"},
          {"create_revision", number(made_at)}};
}

} // namespace

std::string base64(std::string_view bytes) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto left = bytes.size() - i;
    auto group = 0u;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8
              | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      result += j <= left ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return result;
}

std::string bytes_of(std::string_view text) {
  std::string result;
  auto group = 0u;
  auto bits = 0;
  for (const auto c : text) {
    if (c == '=')
      break;
    const auto digit = digits.find(c);
    if (digit == digits.npos)
      return {};
    group = (group << 6 | static_cast<unsigned>(digit)) & 0xFFFFFu;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      result += static_cast<char>(group >> bits & 0xFFu);
    }
  }
  return result;
}

std::string end_of(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF')
    prefix.pop_back();
  if (prefix.empty())
    return std::string(1, '\0'); // all of them
  ++prefix.back();
  return prefix;
}

// -- requests --------------------------------------------------------------------

std::string grant(timespan ttl) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(ttl);
  return json{{"TTL", number(seconds.count())}}.dump();
}

std::string about(rules::lease_id lease) {
  return json{{"ID", number(lease)}}.dump();
}

std::string claim(std::string_view key, std::string_view value,
                  rules::lease_id lease) {
  const json put{{"key", base64(key)},
                 {"value", base64(value)},
                 {"lease", number(lease)}};
  const json range{{"key", base64(key)}};
  return json{{"compare", json::array({equals(key, 0)})},
              {"success", json::array({json{{"request_put", put}}})},
              {"failure", json::array({json{{"request_range", range}}})}}
    .dump();
}

std::string remove(std::string_view key, std::int64_t made_at) {
  const json gone{{"key", base64(key)}};
  return json{{"compare", json::array({equals(key, made_at)})},
              {"success", json::array({json{{"request_delete_range", gone}}})}}
    .dump();
}

std::string put_guarded(std::string_view key, std::string_view value,
                        std::string_view guard, std::int64_t made_at) {
  const json put{{"key", base64(key)}, {"value", base64(value)}};
  return json{{"compare", json::array({equals(guard, made_at)})},
              {"success", json::array({json{{"request_put", put}}})}}
    .dump();
}

std::string list(const std::string& prefix) {
  return json{{"key", base64(prefix)}, {"range_end", base64(end_of(prefix))}}
    .dump();
}

std::string watch(const std::string& prefix) {
  const json create{{"key", base64(prefix)},
                    {"range_end", base64(end_of(prefix))}};
  return json{{"create_request", create}}.dump();
}

// -- answers ---------------------------------------------------------------------

reply<granted_lease> read_grant(const std::string& body) {
  return parse(body, [](const json& x) {
    const granted_lease result{number_at(x, "ID"),
                               std::chrono::seconds{number_at(x, "TTL")}};
    if (result.lease == 0 || result.ttl <= timespan::zero())
      throw std::runtime_error{"it has no lease"};
    return result;
  });
}

reply<bool> read_keep_alive(const std::string& body) {
  // A stream, of which one line is asked for.
  return parse(body.substr(0, body.find('\n')), [](const json& x) {
    const auto& result = at(x, "result");
    if (!result.is_object())
      throw std::runtime_error{"it has no result"};
    return number_at(result, "TTL") > 0;
  });
}

reply<rules::claim_answer> read_claim(const std::string& body,
                                      rules::lease_id lease,
                                      std::string_view value) {
  return parse(body, [&](const json& x) {
    const auto revision = revision_of(x);
    if (bool_at(x, "succeeded"))
      return rules::claim_answer{revision, revision, lease, std::string{value}};
    const auto& responses = at(x, "responses");
    if (!responses.is_array() || responses.empty())
      throw std::runtime_error{"it has no responses"};
    const auto& keys = at(at(responses[0], "response_range"), "kvs");
    if (!keys.is_array() || keys.empty())
      throw std::runtime_error{"the key is there, and is not"};
    return rules::claim_answer{revision, number_at(keys[0], "create_revision"),
                               number_at(keys[0], "lease"),
                               bytes_at(keys[0], "value")};
  });
}

reply<bool> read_txn(const std::string& body) {
  return parse(body, [](const json& x) {
    [[maybe_unused]] const auto revision = revision_of(x);
    return bool_at(x, "succeeded");
  });
}

reply<listing> read_list(const std::string& body) {
  return parse(body, [](const json& x) {
    listing result{revision_of(x), {}};
    if (const auto& keys = at(x, "kvs"); keys.is_array())
      for (const auto& y : keys)
        result.entries.push_back({bytes_at(y, "key"), bytes_at(y, "value"),
                                  number_at(y, "create_revision"),
                                  number_at(y, "lease")});
    return result;
  });
}

std::string read_error(long status, const std::string& body) {
  const auto x = json::parse(body, nullptr, false);
  // Some errors are texts, those of streams are objects.
  for (const auto* from : {&x, x.is_object() ? &at(x, "error") : &x})
    for (const auto* key : {"message", "error"})
      if (const auto& text = at(*from, key); text.is_string())
        return text.get<std::string>();
  return "it answers with status " + std::to_string(status);
}

} // namespace troupe::cluster::etcd_text
