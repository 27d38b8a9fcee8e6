// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "http.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace summarise {

namespace {

using steady = std::chrono::steady_clock;

constexpr size_t max_error_body = 64 * 1024;

struct easy_deleter {
  void operator()(CURL* handle) const noexcept {
    curl_easy_cleanup(handle);
  }
};

struct multi_deleter {
  void operator()(CURLM* handle) const noexcept {
    curl_multi_cleanup(handle);
  }
};

struct list_deleter {
  void operator()(curl_slist* list) const noexcept {
    curl_slist_free_all(list);
  }
};

using easy_ptr = std::unique_ptr<CURL, easy_deleter>;
using multi_ptr = std::unique_ptr<CURLM, multi_deleter>;
using list_ptr = std::unique_ptr<curl_slist, list_deleter>;

/// Initializes libcurl before its first use and never again: doing that, or
/// undoing it, while other threads use the library is not safe.
void init_curl() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK)
    throw std::runtime_error{"cannot initialize libcurl: "
                             + std::string{curl_easy_strerror(result)}};
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  if (const auto code = curl_easy_setopt(easy, option, value); code != CURLE_OK)
    throw std::runtime_error{"libcurl: " + std::string{curl_easy_strerror(code)}
                             + " (option " + std::to_string(option) + ')'};
}

list_ptr make_list(const std::vector<std::string>& lines) {
  auto result = list_ptr{};
  for (const auto& line : lines) {
    auto* longer = curl_slist_append(result.get(), line.c_str());
    if (longer == nullptr)
      throw std::bad_alloc{};
    std::ignore = result.release();
    result.reset(longer);
  }
  return result;
}

std::optional<std::string> header(CURL* easy, const char* name) {
  curl_header* found = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
    return std::nullopt;
  return std::string{found->value};
}

bool is_lasting(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

/// What libcurl's callback needs to know of one transfer.
struct transfer {
  CURL* easy = nullptr;
  const http_client::reader* on_body = nullptr;
  http_reply reply;
  bool had_enough = false;
  std::exception_ptr thrown;

  int status() const {
    long result = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result);
    return static_cast<int>(result);
  }

  std::string content_type() const {
    const char* result = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &result);
    return result == nullptr ? std::string{} : std::string{result};
  }

  bool take(std::string_view piece) {
    if (status() == 200 && content_type().starts_with("text/event-stream")) {
      had_enough = !(*on_body)(piece);
      return !had_enough;
    }
    reply.body += piece.substr(0, max_error_body - reply.body.size());
    return true;
  }
};

// No exception may pass through libcurl, which is written in C.
size_t on_write(char* data, size_t, size_t size, void* context) noexcept {
  auto& self = *static_cast<transfer*>(context);
  try {
    return self.take({data, size}) ? size : size + 1; // another number: the end
  } catch (...) {
    self.thrown = std::current_exception();
    return size + 1;
  }
}

} // namespace

// -- one connection -----------------------------------------------------------

class http_client::impl {
public:
  explicit impl(http_options options) : options_(options) {
    init_curl();
    easy_.reset(curl_easy_init());
    multi_.reset(curl_multi_init());
    if (!easy_ || !multi_)
      throw std::bad_alloc{};
  }

  http_reply post(const http_request& request, const reader& on_body,
                  const std::stop_token& until) {
    auto* easy = easy_.get();
    auto headers = request.headers;
    headers.emplace_back("Expect:"); // do not ask before a large body
    const auto header_list = make_list(headers);
    auto error_text = std::array<char, CURL_ERROR_SIZE>{};
    auto current = transfer{easy, &on_body, {}, false, nullptr};
    curl_easy_reset(easy); // keeps the connection
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_URL, request.url.c_str());
    set(easy, CURLOPT_HTTPHEADER, header_list.get());
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE,
        static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.data());
    set(easy, CURLOPT_USERAGENT, "troupe-summarise");
    set(easy, CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(options_.connect_timeout.count()));
    set(easy, CURLOPT_ERRORBUFFER, error_text.data());
    set(easy, CURLOPT_WRITEFUNCTION, &on_write);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&current));
    if (!options_.use_proxy)
      set(easy, CURLOPT_PROXY, "");
    const auto ended = run(until);
    auto& reply = current.reply;
    reply.status = current.status();
    reply.content_type = current.content_type();
    reply.retry_after = header(easy, "retry-after");
    if (current.thrown)
      std::rethrow_exception(current.thrown);
    if (current.had_enough) {
      reply.how = http_reply::end::enough;
    } else if (ended.how) {
      reply.how = *ended.how;
      if (reply.how == http_reply::end::broken)
        reply.error = "the server was silent for too long";
    } else if (ended.code == CURLE_OK) {
      reply.how = http_reply::end::complete;
    } else {
      reply.how = is_lasting(ended.code) ? http_reply::end::impossible
                                         : http_reply::end::broken;
      reply.error = error_text[0] != '\0' ? error_text.data()
                                          : curl_easy_strerror(ended.code);
    }
    return std::move(reply);
  }

private:
  /// How a transfer ended: by itself, with a code, or because we ended it.
  struct ending {
    std::optional<http_reply::end> how;
    CURLcode code = CURLE_OK;
  };

  /// Runs the transfer that `easy_` describes.
  ending run(const std::stop_token& until) {
    auto* multi = multi_.get();
    require(curl_multi_add_handle(multi, easy_.get()));
    const auto remove = guard{multi, easy_.get()};
    // This ends the wait below at once; there is nothing to poll for.
    const auto wake = std::stop_callback{until,
                                         [multi] { curl_multi_wakeup(multi); }};
    auto moved = moved_bytes();
    auto last_move = steady::now();
    for (;;) {
      auto running = 0;
      require(curl_multi_perform(multi, &running));
      if (running == 0)
        return {std::nullopt, result()};
      const auto now = steady::now();
      if (std::exchange(moved, moved_bytes()) != moved)
        last_move = now;
      const auto end_of_silence = last_move + options_.silence_timeout;
      if (until.stop_requested())
        return {give_up(http_reply::end::interrupted)};
      if (end_of_silence <= now)
        return {give_up(http_reply::end::broken)};
      // libcurl waits for less than that if one of its own timeouts is due.
      const auto timeout
        = std::chrono::ceil<std::chrono::milliseconds>(end_of_silence - now);
      require(curl_multi_poll(multi, nullptr, 0,
                              static_cast<int>(timeout.count()), nullptr));
    }
  }

  http_reply::end give_up(http_reply::end how) {
#if LIBCURL_VERSION_NUM >= 0x075700
    // Do not wait for a name server that keeps us waiting.
    set(easy_.get(), CURLOPT_QUICK_EXIT, 1L);
#endif
    return how;
  }

  /// What went through the connection so far, in both directions.
  [[nodiscard]] curl_off_t moved_bytes() const {
    curl_off_t up = 0;
    curl_off_t down = 0;
    long headers = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy_.get(), CURLINFO_HEADER_SIZE, &headers);
    return up + down + headers;
  }

  struct guard {
    CURLM* multi;
    CURL* easy;

    guard(CURLM* m, CURL* e) : multi(m), easy(e) {
      // nop
    }

    guard(const guard&) = delete;

    guard& operator=(const guard&) = delete;

    ~guard() {
      curl_multi_remove_handle(multi, easy);
    }
  };

  static void require(CURLMcode code) {
    if (code != CURLM_OK)
      throw std::runtime_error{"libcurl: "
                               + std::string{curl_multi_strerror(code)}};
  }

  CURLcode result() {
    auto left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE)
        return message->data.result;
    }
    return CURLE_RECV_ERROR;
  }

  http_options options_;
  easy_ptr easy_;
  multi_ptr multi_;
};

// -- the interface ------------------------------------------------------------

http_client::http_client(http_options options)
  : impl_(std::make_unique<impl>(options)) {
  // nop
}

http_client::~http_client() = default;

http_client::http_client(http_client&&) noexcept = default;

http_client& http_client::operator=(http_client&&) noexcept = default;

http_reply http_client::post(const http_request& request, const reader& on_body,
                             const std::stop_token& until) {
  return impl_->post(request, on_body, until);
}

} // namespace summarise
