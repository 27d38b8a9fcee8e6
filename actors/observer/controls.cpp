// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/controls.hpp"

#include "observer/document.hpp"
#include "troupe/error.hpp"
#include "troupe/path.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/tree_status.hpp"
#include "worker/worker_core.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>

#include <utility>

namespace troupe::observing {

namespace {

/// The path of the worker that documents show with that path.
std::string real_path(caf::actor_system& sys, const std::string& path) {
  if (path.find("\\x") == std::string::npos || lookup(sys, path))
    return path; // as nearly all
  const auto found = find(status_trees(sys), path);
  return found.size() == 1 ? found.front().self.path : path;
}

/// The supervisor above the child that stops, or has ended, so that nothing may
/// be changed: half of it would be done, and the child gone before its turn.
caf::error who_stops(caf::actor_system& sys, const std::string& path) {
  for (auto slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const auto above = lookup(sys, path.substr(0, slash));
    if (!above)
      return above.error();
    if (auto state = above->state(); state != worker_state::running)
      return caf::make_error(errc::supervisor_stopping,
                             above->path() + " is " + to_string(state)
                               + ": its children can no longer be changed");
  }
  return {};
}

/// Starts a child that is stopped, or that waits for its restart.
caf::error start(const supervisor_ref& parent, const std::string& name,
                 timespan timeout) {
  if (parent.retry_now(name))
    return {};
  auto err = parent.start_child(name).get(timeout).error;
  // In the words of those who press buttons.
  if (err == errc::child_running)
    return caf::make_error(errc::child_running,
                           parent.path() + '/' + name + " runs already");
  return err;
}

} // namespace

std::optional<command> parse_command(std::string_view target) {
  constexpr std::string_view folder = "/children";
  const auto slash = target.rfind('/');
  if (!target.starts_with(folder) || slash <= folder.size() + 1
      || slash == std::string_view::npos || target[folder.size()] != '/')
    return std::nullopt;
  const auto verb = target.substr(slash + 1);
  if (verb != "restart" && verb != "stop" && verb != "start")
    return std::nullopt;
  const auto path = target.substr(folder.size(), slash - folder.size());
  return command{std::string{path}, std::string{verb}, {}};
}

std::string reason_of(const command& what) {
  return what.client + " told the observer to " + what.verb + " it";
}

caf::error control(caf::actor_system& sys, const command& what,
                   timespan timeout) {
  const auto path = real_path(sys, what.path);
  const auto& verb = what.verb;
  const auto found = lookup(sys, path);
  if (!found)
    return found.error();
  const auto slash = path.rfind('/');
  if (slash == 0 || slash == std::string::npos)
    return caf::make_error(errc::invalid_argument,
                           path
                             + " has no supervisor that could do that; stop "
                               "the program instead");
  const auto above = lookup(sys, path.substr(0, slash));
  if (!above)
    return above.error();
  if (auto err = who_stops(sys, path))
    return err;
  const supervisor_ref parent{*above};
  const auto name = path.substr(slash + 1);
  if (verb == "start")
    return start(parent, name, timeout);
  auto why = caf::make_error(caf::exit_reason::user_shutdown, reason_of(what));
  const auto call = verb == "stop"
                      ? parent.terminate_child(name, std::move(why))
                      : parent.restart_child(name, std::move(why));
  return call.get(timeout).error;
}

int status_of(const caf::error& why) noexcept {
  if (why == errc::not_found)
    return 404;
  if (why == errc::timed_out)
    return 504;
  return 409;
}

} // namespace troupe::observing
