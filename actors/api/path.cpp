// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/path.hpp"

#include "rules/naming.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/supervisor_ref.hpp"
#include "worker/spawn.hpp"
#include "worker/worker_core.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

using namespace detail;

caf::expected<worker_handle> find_worker(caf::actor_system& sys,
                                         const std::string& path,
                                         const std::type_info& type) {
  auto found = runtime::of(sys)->find_path(path);
  if (!found)
    return caf::make_error(errc::not_found,
                           "there is no worker at " + path
                             + "; only supervisors and the children of those "
                               "that run have a path that can be looked up");
  if (!found.is_of(type)) {
    const auto& core = *access::core_of(found);
    const auto is_supervisor = core.kind() == child_kind::supervisor;
    auto found_class = is_supervisor ? std::string{"supervisor"}
                                     : class_name(*core.config().type);
    return caf::make_error(
      errc::invalid_argument,
      "the worker at " + path + " is " + rules::with_article(found_class)
        + ", not "
        + rules::with_article(
          type == typeid(supervisor_ref) ? "supervisor" : class_name(type)));
  }
  return found;
}

caf::expected<worker_handle> lookup(caf::actor_system& sys,
                                    const std::string& path) {
  return find_worker(sys, path, typeid(worker_handle));
}

caf::expected<caf::strong_actor_ptr> find_actor(caf::actor_system& sys,
                                                const std::string& path) {
  auto found = find_worker(sys, path, typeid(worker_handle));
  if (!found)
    return std::move(found.error());
  if (auto actor = access::core_of(*found)->actor())
    return actor;
  return caf::make_error(errc::not_found, "there is no actor at " + path
                                            + " at present: it is "
                                            + to_string(found->state()) + ", "
                                            + to_string(found->phase()));
}

caf::expected<std::string> path_from_here(caf::actor_system& sys,
                                          const std::string& name) {
  const auto* here = worker_core::current();
  if (here == nullptr)
    return caf::make_error(errc::invalid_argument,
                           "\"" + name
                             + "\" is looked up where no child is made; use "
                               "lookup with its path");
  auto rt = runtime::of(sys);
  auto above = here->path();
  for (auto end = above.rfind('/'); end != 0; end = above.rfind('/')) {
    above.resize(end);
    auto path = above;
    path.append("/").append(name);
    if (path != here->path() && rt->find_path(path))
      return path;
  }
  return caf::make_error(errc::not_found, "there is no child \"" + name
                                            + "\" beside " + here->path()
                                            + ", nor of a supervisor above it");
}

void throw_nobody_there(const caf::error& why) {
  throw std::out_of_range{text_of(why)};
}

void throw_not_found(caf::error why) {
  throw start_error{std::move(why)};
}

} // namespace troupe
