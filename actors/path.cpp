// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/path.hpp"

#include "cell.hpp"
#include "spawn.hpp"

namespace troupe {

caf::expected<worker_handle> find_worker(caf::actor_system& sys,
                                         const std::string& path,
                                         const std::type_info* type) {
  auto found = runtime::of(sys)->find_path(path);
  if (!found)
    return caf::make_error(errc::not_found,
                           "there is no worker at " + path
                             + "; only supervisors and the children of those "
                               "that run have a path that can be looked up");
  auto* type_found = found.get_cell()->terms().type;
  if (type != nullptr && *type_found != *type)
    return caf::make_error(errc::invalid_argument,
                           "the worker at " + path + " is a "
                             + class_name(*type_found) + ", not a "
                             + class_name(*type));
  return found;
}

caf::expected<worker_handle> lookup(caf::actor_system& sys,
                                    const std::string& path) {
  return find_worker(sys, path, nullptr);
}

worker_handle find_or_throw(caf::actor_system& sys, const std::string& path,
                            const std::type_info& type) {
  auto found = find_worker(sys, path, &type);
  if (!found)
    throw start_error{found.error()};
  return *found;
}

} // namespace troupe
