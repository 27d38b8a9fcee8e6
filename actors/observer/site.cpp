// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/site.hpp"

#include "observer/document.hpp"
#include "observer/guard.hpp"
#include "observer/page.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "troupe/observer/render.hpp"
#include "worker/core_ptr.hpp"
#include "worker/status_poll.hpp"
#include "worker/tree_status.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>

namespace troupe::observing {

using namespace detail;

namespace {

/// How long a supervisor may take to answer before the process counts as sick.
constexpr auto liveness_limit = std::chrono::seconds{1};

constexpr auto json_type = "application/json";
constexpr auto text_type = "text/plain; charset=utf-8";

/// All that can be read, besides the events.
constexpr std::array readable{"/",           "/status.json", "/status.txt",
                              "/status.dot", "/events",      "/metrics",
                              "/healthz",    "/readyz",      "/jobs.json"};

/// A word that nobody can guess.
std::string make_nonce() {
  std::random_device source;
  std::ostringstream result;
  result << std::hex;
  for (int i = 0; i < 4; ++i)
    result << source();
  return result.str();
}

http_answer give(std::string_view type, std::string body) {
  http_answer result;
  result.content_type = type;
  result.body = std::move(body);
  return result;
}

http_answer give(const verdict& what) {
  auto result = give(text_type,
                     (what.good ? "ok" : rules::printable(what.why)) + "\n");
  result.status = what.good ? 200 : 503;
  return result;
}

/// There is nothing to be had that way: the answer says why.
http_answer refuse(const http_request& what) {
  const auto& path = what.path;
  auto result = http_answer{};
  if (std::find(readable.begin(), readable.end(), path) != readable.end()) {
    result = refusal(405, path + " can only be read: use GET");
    result.headers.emplace_back("Allow", "GET, HEAD");
  } else if (parse_command(path) || parse_job_command(what)) {
    result = refusal(405, path + " changes something: use POST");
    result.headers.emplace_back("Allow", "POST");
  } else if (path.starts_with("/children/")) {
    result = refusal(404, path
                            + " is not /children/PATH/restart, /stop or "
                              "/start; in a path, # is written %23");
  } else {
    result = refusal(404, "there is nothing at " + path
                            + "; / is the page, /status.json what it shows");
  }
  return result;
}

} // namespace

site::site(caf::actor_system& sys, const observer_options& options,
           const event_ring& events)
  : sys_(sys),
    core_(runtime::of(sys)),
    options_(options),
    events_(events),
    time_(*core_),
    roots_(std::make_shared<ended_roots>(*core_)),
    look_([this] {
      return roots_->with_ended(status_trees(sys_, options_.patience));
    }) {
  core_->events().subscribe(roots_);
  ended_ = access::make<subscription>(roots_);
}

site::~site() = default;

http_reply site::serve(const http_request& what) {
  const auto& path = what.path;
  if (what.method == "POST") {
    if (auto wanted = parse_command(path))
      return serve_change(std::move(*wanted), what);
    if (auto wanted = parse_job_command(what))
      return if_may_change(what, [this, wanted, client = what.client] {
        return change(*wanted, client);
      });
  }
  if (!what.reads())
    return refuse(what);
  auto later = [](lane where, auto run) {
    return http_task{where, std::move(run)};
  };
  if (path == "/healthz")
    return later(lane::probe, [this] { return give_liveness(); });
  if (path == "/readyz")
    return later(lane::probe, [this] { return give_readiness(); });
  if (path == "/metrics")
    return later(lane::probe, [this] { return give_metrics(); });
  if (path == "/")
    return later(lane::look, [this] { return give_page(); });
  if (path == "/status.json")
    return later(lane::look, [this, what] { return give_status(what); });
  if (path == "/status.txt")
    return later(lane::look, [this, what] {
      return give_trees(what, text_type, [](const trees& xs, const trees&) {
        return to_text(xs);
      });
    });
  if (path == "/status.dot")
    return later(lane::look, [this, what] {
      return give_trees(what, "text/vnd.graphviz; charset=utf-8",
                        [](const trees& xs, const trees&) {
                          return to_dot(xs);
                        });
    });
  if (path == "/jobs.json")
    return later(lane::look, [this] { return give_jobs(); });
  if (path == "/events")
    return give_events(what);
  return refuse(what);
}

// -- the page ------------------------------------------------------------------

/// Has a browser take only what stands in the page itself for its style and its
/// code, whatever somebody has managed to bring into it.
http_answer site::give_page() const {
  const auto nonce = make_nonce();
  std::string text{page()};
  for (auto tag : {"<style", "<script"})
    if (auto at = text.find(std::string{tag} + '>'); at != std::string::npos)
      text.insert(at + std::strlen(tag), " nonce=\"" + nonce + '"');
  auto result = give("text/html; charset=utf-8", std::move(text));
  result.content_policy
    = "default-src 'none'; style-src 'nonce-" + nonce + "'; script-src 'nonce-"
      + nonce
      + "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action "
        "'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'";
  return result;
}

// -- status --------------------------------------------------------------------

site::trees site::look_at_roots() {
  auto roots = core_->top_cores();
  std::erase_if(roots, [](const core_ptr& x) {
    return x->kind() != child_kind::supervisor;
  });
  auto answers = status_poll::hold(*core_, roots, liveness_limit);
  trees result;
  for (const auto& x : roots) {
    tree_status root;
    root.self = x->status();
    root.kind = child_kind::supervisor;
    root.last_end = x->last_outcome();
    root.answering = !answers->is_mute(*x);
    result.push_back(std::move(root));
  }
  return roots_->with_ended(std::move(result));
}

template <class F>
http_answer
site::give_trees(const http_request& what, std::string_view type, F render) {
  const auto all = look_.take();
  const auto* path = what.find("path");
  if (path == nullptr)
    return give(type, render(*all, *all));
  const auto found = find(*all, *path);
  if (found.empty())
    return refusal(404, "there is no worker " + *path
                          + "; in a path, # is written %23");
  return give(type, render(found, *all));
}

http_answer site::give_status(const http_request& what) {
  document_facts facts;
  if (const auto* depth = what.find("depth")) {
    const auto n = parse_number(*depth);
    if (!n || *n == 0)
      return refusal(400, "depth is not a number of levels, one or more");
    facts.depth = *n;
  }
  facts.controls = !options_.token.empty();
  facts.job_stores = core_->jobs().places().size();
  // Before the look, so that nothing falls in between.
  facts.last_event = events_.last();
  return give_trees(what, json_type,
                    [this, &facts](const trees& xs, const trees& all) {
                      facts.readiness = readiness(all);
                      facts.at = time_.of(core_->time().now());
                      return document(xs, facts);
                    });
}

http_answer site::give_readiness() {
  return give(readiness(roots_->with_ended(status_trees(sys_))));
}

http_answer site::give_liveness() {
  return give(liveness(look_at_roots()));
}

http_answer site::give_metrics() {
  return give("text/plain; version=0.0.4; charset=utf-8",
              prometheus_text(sys_));
}

// -- events --------------------------------------------------------------------

http_answer site::give_events(const http_request& what) const {
  stream_request wanted;
  const auto* since = what.find("since");
  const auto& text = since != nullptr ? *since : what.last_event_id;
  if (since != nullptr || !text.empty()) {
    const auto n = parse_number(text);
    if (!n)
      return refusal(400,
                     "since, or Last-Event-ID, is not the number of an event");
    wanted.after = *n;
  } else {
    wanted.after = events_.last();
  }
  if (const auto* under = what.find("under"))
    wanted.under = rules::as_utf8(*under);
  auto result = give("text/event-stream", {});
  result.stream = std::move(wanted);
  return result;
}

// -- changes -------------------------------------------------------------------

http_reply site::serve_change(command wanted, const http_request& what) {
  wanted.client = what.client;
  return if_may_change(what, [this, wanted] { return change(wanted); });
}

http_reply site::if_may_change(const http_request& what,
                               std::function<http_answer()> f) const {
  auto result = http_answer{};
  switch (may_change(options_.token, what.authorization)) {
    case permission::granted:
      return http_task{lane::change, std::move(f)};
    case permission::no_token:
      return refusal(403, "this observer changes nothing, because the program "
                          "has given it no token: set observer_options.token, "
                          "or troupe.observer.token");
    case permission::missing:
      result = refusal(401, "the header \"Authorization: Bearer TOKEN\" is "
                            "missing");
      result.headers.emplace_back("WWW-Authenticate", "Bearer");
      break;
    case permission::wrong:
      result = refusal(401, "this is not the token of this observer");
      result.headers.emplace_back("WWW-Authenticate",
                                  "Bearer error=\"invalid_token\"");
      break;
  }
  return result;
}

http_answer site::change(const command& wanted) {
  core_->log(compat::log_info, wanted.path + ": " + reason_of(wanted));
  const auto err = control(sys_, wanted, options_.call_timeout);
  if (err)
    return refusal(static_cast<unsigned>(status_of(err)), text_of(err));
  return give(json_type, R"({"ok":true})");
}

// -- jobs ----------------------------------------------------------------------

http_answer site::give_jobs() {
  return give(json_type, jobs_document(core_->jobs(), !options_.token.empty()));
}

http_answer site::change(const job_command& wanted, const std::string& client) {
  if (!wanted.problem.empty())
    return refusal(400, wanted.problem);
  core_->log(compat::log_info, client + " told the observer to " + wanted.verb
                                 + " job " + std::to_string(wanted.id) + " in "
                                 + wanted.store);
  if (const auto err = control(core_->jobs(), wanted))
    return refusal(static_cast<unsigned>(status_of(err)), text_of(err));
  return give(json_type, R"({"ok":true})");
}

} // namespace troupe::observing
