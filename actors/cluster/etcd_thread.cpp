// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/etcd_thread.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace troupe::cluster {

namespace {

/// An answer that is longer is none of etcd's.
constexpr std::size_t most_of_answer = 64u << 20;

/// How long a watch that has ended waits until it begins anew.
constexpr auto watch_pause = std::chrono::milliseconds{500};

long milliseconds(timespan x) {
  const auto result = std::chrono::ceil<std::chrono::milliseconds>(x).count();
  return static_cast<long>(std::max<std::int64_t>(result, 1));
}

} // namespace

struct etcd_thread::transfer {
  std::string path;
  std::string body;
  std::function<void(const http_answer&)> to;
  bool last = false;
  bool is_watch = false;
  CURL* handle = nullptr;
  std::size_t endpoint = 0;
  http_answer answer;
  bool news = false; // of the watch, since it was looked at
  std::array<char, CURL_ERROR_SIZE> text{};

  transfer() = default;

  transfer(const transfer&) = delete;

  transfer& operator=(const transfer&) = delete;

  ~transfer() {
    if (handle != nullptr)
      curl_easy_cleanup(handle);
  }
};

etcd_thread::etcd_thread(std::vector<std::string> endpoints, timespan within)
  : endpoints_(std::move(endpoints)), within_(within) {
  static const auto ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = ready == CURLE_OK ? curl_multi_init() : nullptr;
  headers_ = curl_slist_append(nullptr, "Content-Type: application/json");
  if (multi_ == nullptr || headers_ == nullptr)
    throw std::bad_alloc{};
}

etcd_thread::~etcd_thread() {
  for (auto& x : active_)
    curl_multi_remove_handle(multi_, x->handle);
  if (watch_)
    curl_multi_remove_handle(multi_, watch_->handle);
  active_.clear();
  watch_ = nullptr;
  curl_multi_cleanup(multi_);
  curl_slist_free_all(headers_);
}

// -- any thread ------------------------------------------------------------------

void etcd_thread::post(std::string path, std::string body,
                       std::function<void(const http_answer&)> to, bool last) {
  auto x = std::make_unique<transfer>();
  x->path = std::move(path);
  x->body = std::move(body);
  x->to = std::move(to);
  x->last = last;
  {
    std::unique_lock guard{mtx_};
    fresh_.push_back(std::move(x));
  }
  curl_multi_wakeup(multi_);
}

void etcd_thread::watch(std::string body, std::function<void()> changed) {
  {
    std::unique_lock guard{mtx_};
    watch_body_ = std::move(body);
    changed_ = std::move(changed);
  }
  curl_multi_wakeup(multi_);
}

void etcd_thread::stop() {
  {
    std::unique_lock guard{mtx_};
    stopped_ = true;
  }
  curl_multi_wakeup(multi_);
}

// -- its thread ------------------------------------------------------------------

void etcd_thread::run() {
  while (!over()) {
    auto fresh = [this] {
      std::unique_lock guard{mtx_};
      return std::exchange(fresh_, {});
    }();
    for (auto& x : fresh) {
      active_.push_back(std::move(x));
      begin(*active_.back());
    }
    if (!watch_ && clock::now() >= watch_at_)
      begin_watch();
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (auto* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE)
        end(message->easy_handle, message->data.result);
    if (watch_ && std::exchange(watch_->news, false))
      changed_();
    // Without a watch it wakes for the next one, and for the farewell.
    curl_multi_poll(multi_, nullptr, 0, watch_ ? 60'000 : 100, nullptr);
  }
}

bool etcd_thread::over() {
  std::unique_lock guard{mtx_};
  if (!stopped_)
    return false;
  // Nobody waits for an answer any more.
  const auto is_idle = [](const auto& x) { return !x->last; };
  std::erase_if(fresh_, is_idle);
  guard.unlock();
  if (leave_at_ == clock::time_point::max())
    leave_at_ = clock::now() + farewell;
  if (watch_) {
    curl_multi_remove_handle(multi_, watch_->handle);
    watch_ = nullptr;
  }
  watch_at_ = clock::time_point::max();
  for (auto& x : active_)
    if (!x->last)
      curl_multi_remove_handle(multi_, x->handle);
  active_.remove_if(is_idle);
  guard.lock();
  return (active_.empty() && fresh_.empty()) || clock::now() >= leave_at_;
}

void etcd_thread::begin(transfer& x) {
  x.handle = curl_easy_init();
  if (x.handle == nullptr)
    throw std::bad_alloc{};
  x.endpoint = endpoint_;
  const auto url = endpoints_[endpoint_] + x.path;
  auto* h = x.handle;
  curl_easy_setopt(h, CURLOPT_URL, url.c_str());
  curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(x.body.size()));
  curl_easy_setopt(h, CURLOPT_POSTFIELDS, x.body.c_str());
  curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, &etcd_thread::take);
  curl_easy_setopt(h, CURLOPT_WRITEDATA, static_cast<void*>(&x));
  curl_easy_setopt(h, CURLOPT_PRIVATE, static_cast<void*>(&x));
  curl_easy_setopt(h, CURLOPT_ERRORBUFFER, x.text.data());
  curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(h, CURLOPT_PROXY, ""); // it is in our own network
  curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(within_));
  if (!x.is_watch)
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, milliseconds(within_));
  curl_multi_add_handle(multi_, h);
}

void etcd_thread::begin_watch() {
  std::unique_lock guard{mtx_};
  if (watch_body_.empty())
    return;
  watch_ = std::make_unique<transfer>();
  watch_->path = "/v3/watch";
  watch_->body = watch_body_;
  watch_->is_watch = true;
  guard.unlock();
  begin(*watch_);
}

void etcd_thread::end(CURL* which, CURLcode how) {
  transfer* x = nullptr;
  curl_easy_getinfo(which, CURLINFO_PRIVATE, reinterpret_cast<char**>(&x));
  curl_easy_getinfo(which, CURLINFO_RESPONSE_CODE, &x->answer.status);
  curl_multi_remove_handle(multi_, which);
  if (how != CURLE_OK)
    x->answer.error = endpoints_[x->endpoint] + ": "
                      + (x->text[0] != '\0' ? x->text.data()
                                            : curl_easy_strerror(how));
  // A member of etcd's that has no leader, or is none any more.
  const auto is_away = how != CURLE_OK || x->answer.status >= 500;
  const auto endpoint = x->endpoint;
  const auto was_watch = x->is_watch;
  if (was_watch) {
    watch_ = nullptr;
    watch_at_ = clock::now() + watch_pause;
  }
  if (is_away)
    turn_away(endpoint);
  if (was_watch)
    return;
  const auto found = std::find_if(active_.begin(), active_.end(),
                                  [x](const auto& y) { return y.get() == x; });
  const auto done = std::move(*found);
  active_.erase(found);
  done->to(done->answer);
}

void etcd_thread::turn_away(std::size_t from) {
  if (from != endpoint_)
    return;
  endpoint_ = (endpoint_ + 1) % endpoints_.size();
  // The watch is with the one that does not answer.
  if (watch_ && watch_->endpoint == from && endpoints_.size() > 1) {
    curl_multi_remove_handle(multi_, watch_->handle);
    watch_ = nullptr;
    watch_at_ = clock::now();
  }
}

std::size_t etcd_thread::take(char* data, std::size_t size, std::size_t count,
                              void* to) {
  auto& x = *static_cast<transfer*>(to);
  const auto length = size * count;
  if (x.is_watch) {
    x.news = true; // whatever it says, a look finds out
    return length;
  }
  if (x.answer.body.size() + length > most_of_answer)
    return 0;
  try {
    x.answer.body.append(data, length);
  } catch (...) {
    return 0;
  }
  return length;
}

} // namespace troupe::cluster
