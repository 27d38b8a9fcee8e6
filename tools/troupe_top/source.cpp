// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "source.hpp"

#include <httplib.h>

#include <atomic>
#include <cctype>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include <netdb.h>

namespace troupe_top {

namespace {

/// More than that is no status of anything.
constexpr std::size_t largest_document = std::size_t{256} << 20;

constexpr std::chrono::seconds patience{5};

/// Whether there is no machine of that name.
bool is_unknown(const std::string& host) {
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0)
    return true;
  ::freeaddrinfo(found);
  return false;
}

const char* meaning_of(httplib::Error x) {
  switch (x) {
    case httplib::Error::Connection:
      return "nobody answers there";
    case httplib::Error::ConnectionTimeout:
      return "there was no connection in time";
    case httplib::Error::Read:
      return "the answer did not come, or is no HTTP";
    case httplib::Error::Write:
      return "the request could not be sent";
    case httplib::Error::Canceled:
      return "the answer was cut off";
    default:
      return "the request failed";
  }
}

/// A path in a URL.
std::string escaped(std::string_view path) {
  constexpr std::string_view plain = "-._~/";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const auto c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || plain.find(c) != plain.npos))
      result += c;
    else
      result += {'%', digits[byte / 16], digits[byte % 16]};
  }
  return result;
}

/// The first line of what a server says of an error.
std::string first_line(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 200));
}

} // namespace

class source::impl {
public:
  explicit impl(const address& where)
    : where_(where), client_(where.host, where.port) {
    client_.set_connection_timeout(patience);
    client_.set_read_timeout(patience);
    client_.set_write_timeout(patience);
    client_.set_keep_alive(true);
  }

  answer look() {
    answer result;
    auto too_long = false;
    const auto got
      = client_.Get(where_.path, [&](const char* data, std::size_t length) {
          too_long = result.text.size() + length > largest_document;
          if (stopped_ || too_long)
            return false;
          result.text.append(data, length);
          return true;
        });
    if (too_long)
      result.problem = "its status is longer than 256 MiB";
    else if (!got)
      result.problem = got.error() == httplib::Error::Connection
                           && is_unknown(where_.host)
                         ? "unknown host " + where_.host
                         : meaning_of(got.error());
    else if (got->status != 200)
      result.problem = "it answers " + std::to_string(got->status) + ": "
                       + first_line(result.text);
    else
      decode(result);
    return result;
  }

  std::string command(const std::string& verb, const std::string& path,
                      const std::string& token) {
    constexpr std::string_view document = "/status.json";
    const auto place = where_.path.substr(0,
                                          where_.path.size() - document.size());
    client_.set_read_timeout(std::chrono::seconds{30});
    client_.set_bearer_token_auth(token.c_str());
    const auto got
      = client_.Post(place + "/children" + escaped(path) + '/' + verb);
    if (!got)
      return meaning_of(got.error());
    if (got->status == 200)
      return {};
    return "it answers " + std::to_string(got->status) + ": "
           + first_line(got->body);
  }

  void stop() noexcept {
    stopped_ = true;
    client_.stop();
  }

  [[nodiscard]] bool stopped() const noexcept {
    return stopped_;
  }

private:
  static void decode(answer& x) {
    try {
      x.decoded = decode_status(x.text);
    } catch (const not_a_status& problem) {
      x.problem = std::string{"this is no status that troupe-top knows: "}
                  + problem.what();
    }
  }

  const address where_;
  httplib::Client client_;
  std::atomic<bool> stopped_ = false;
};

source::source(const address& where) : impl_(std::make_unique<impl>(where)) {
  // nop
}

source::~source() = default;

answer source::look() {
  if (impl_->stopped())
    return {.problem = "stopped"};
  return impl_->look();
}

std::string source::command(const std::string& verb, const std::string& path,
                            const std::string& token) {
  return impl_->command(verb, path, token);
}

void source::stop() noexcept {
  impl_->stop();
}

} // namespace troupe_top
