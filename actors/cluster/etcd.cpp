// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/cluster/etcd.hpp"

#include "base/make_thread.hpp"
#include "cluster/directory.hpp"
#include "cluster/etcd_text.hpp"
#include "cluster/etcd_thread.hpp"
#include "rules/printable.hpp"
#include "system/runtime.hpp"

#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

namespace troupe::cluster {

namespace {

/// A node's way to etcd.
class etcd_link final : public connection {
public:
  etcd_link(std::vector<std::string> endpoints, timespan within,
            std::shared_ptr<troupe::detail::runtime> rt)
    : rt_(std::move(rt)),
      to_(std::make_shared<etcd_thread>(std::move(endpoints), within)),
      thread_(detail::make_thread("the requests to etcd", [to = to_] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        to->run();
      })) {
    // nop
  }

  /// Waits for the end of the thread, unless that would keep others waiting.
  ~etcd_link() override {
    to_->stop();
    if (thread_.get_id() == std::this_thread::get_id() || rt_->would_block())
      thread_.detach();
    else
      thread_.join();
  }

  void grant(timespan ttl, taker<granted_lease> to) override {
    ask("/v3/lease/grant", etcd_text::grant(ttl), etcd_text::read_grant,
        std::move(to));
  }

  void keep_alive(rules::lease_id lease, taker<bool> to) override {
    ask("/v3/lease/keepalive", etcd_text::about(lease),
        etcd_text::read_keep_alive, std::move(to));
  }

  void revoke(rules::lease_id lease) override {
    to_->post(
      "/v3/lease/revoke", etcd_text::about(lease), [](const http_answer&) {},
      true);
  }

  void claim(const std::string& key, const std::string& value,
             rules::lease_id lease, taker<rules::claim_answer> to) override {
    ask(
      "/v3/kv/txn", etcd_text::claim(key, value, lease),
      [lease, value](const std::string& body) {
        return etcd_text::read_claim(body, lease, value);
      },
      std::move(to));
  }

  void remove(const std::string& key, std::int64_t made_at,
              taker<bool> to) override {
    ask("/v3/kv/txn", etcd_text::remove(key, made_at), etcd_text::read_txn,
        std::move(to));
  }

  void put_guarded(const std::string& key, const std::string& value,
                   const std::string& guard, std::int64_t made_at,
                   taker<bool> to) override {
    ask("/v3/kv/txn", etcd_text::put_guarded(key, value, guard, made_at),
        etcd_text::read_txn, std::move(to));
  }

  void list(const std::string& prefix, taker<listing> to) override {
    ask("/v3/kv/range", etcd_text::list(prefix), etcd_text::read_list,
        std::move(to));
  }

  void watch(const std::string& prefix,
             std::function<void()> changed) override {
    to_->watch(etcd_text::watch(prefix), std::move(changed));
  }

private:
  template <class T, class F>
  void ask(const char* path, std::string body, F read, taker<T> to) {
    to_->post(path, std::move(body),
              [read = std::move(read),
               to = std::move(to)](const http_answer& x) {
                if (x.ok())
                  to(read(x.body));
                else if (!x.error.empty())
                  to(reply<T>::failed(x.error));
                else
                  to(reply<T>::failed(etcd_text::read_error(x.status, x.body)));
              });
  }

  std::shared_ptr<troupe::detail::runtime> rt_;
  std::shared_ptr<etcd_thread> to_;
  std::thread thread_;
};

/// etcd, before a node uses it.
class etcd_directory final : public directory {
public:
  etcd_directory(std::vector<std::string> endpoints, etcd_options how)
    : endpoints_(std::move(endpoints)), how_(std::move(how)) {
    // nop
  }

  [[nodiscard]] std::string name() const override {
    return "etcd at "
           + (endpoints_.empty() ? std::string{"nowhere"} : endpoints_[0]);
  }

  [[nodiscard]] std::string check() const override {
    const auto wrong = what_is_wrong();
    return wrong.empty() ? wrong : "etcd: " + troupe::rules::printable(wrong);
  }

  [[nodiscard]] std::string prefix() const override {
    return how_.prefix;
  }

  [[nodiscard]] timespan ttl() const override {
    return how_.ttl;
  }

  [[nodiscard]] std::uint32_t generation() const override {
    return how_.generation;
  }

  [[nodiscard]] std::unique_ptr<connection>
  connect(caf::actor_system& sys, const std::string&) override {
    return std::make_unique<etcd_link>(endpoints_,
                                       rules::answer_within(how_.ttl),
                                       troupe::detail::runtime::of(sys));
  }

private:
  [[nodiscard]] std::string what_is_wrong() const {
    if (endpoints_.empty())
      return "there is no endpoint; name one, such as http://10.0.0.9:2379";
    for (const std::string_view x : endpoints_) {
      const auto host = x.starts_with("http://")    ? x.substr(7)
                        : x.starts_with("https://") ? x.substr(8)
                                                    : std::string_view{};
      if (host.empty() || host.find_first_of("/?# ") != host.npos)
        return "the endpoint \"" + std::string{x}
               + "\" is not of the form http://host:port or "
                 "https://host:port";
    }
    if (how_.prefix.size() < 2 || how_.prefix.front() != '/'
        || how_.prefix.back() == '/')
      return "the prefix \"" + how_.prefix
             + "\" does not begin with '/', or ends with it; use one such as "
               "/shop, which all nodes of this cluster have";
    if (how_.ttl < rules::least_ttl || how_.ttl > rules::most_ttl
        || how_.ttl % std::chrono::seconds{1} != timespan::zero())
      return "the ttl is not a whole number of seconds from 2 s to 1 h; choose "
             "one that is";
    if (how_.generation < 1 || how_.generation > 32767)
      return "the generation is " + std::to_string(how_.generation)
             + "; use a number from 1 to 32767";
    return {};
  }

  std::vector<std::string> endpoints_;
  etcd_options how_;
};

} // namespace

directory_ptr etcd(std::vector<std::string> endpoints, etcd_options how) {
  return std::make_shared<etcd_directory>(std::move(endpoints), std::move(how));
}

} // namespace troupe::cluster
