// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/worker_ref.hpp"

#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <string>
#include <typeinfo>

namespace troupe {

/// The part of `lookup` that does not depend on the class of the worker.
/// @param type The class that it must have, or null for any.
[[nodiscard]] caf::expected<worker_handle>
find_worker(caf::actor_system& sys, const std::string& path,
            const std::type_info* type);

/// Finds a child of a supervisor, of this one or any other, by its path.
/// Thread-safe.
/// @tparam W Its class, as its spec says.
/// @param path The names from the topmost supervisor down:
///             `/pipeline/writer`.
/// @returns a handle, or `errc::not_found` or `errc::invalid_argument` if it
///          is of another class, with a text that names the path. (S31)
template <class W>
[[nodiscard]] caf::expected<ref_to_t<W>>
lookup(caf::actor_system& sys, const std::string& path) {
  auto found = find_worker(sys, path, &typeid(W));
  if (!found)
    return std::move(found.error());
  return ref_to_t<W>{std::move(*found)};
}

/// @copydoc lookup
[[nodiscard]] caf::expected<worker_handle> lookup(caf::actor_system& sys,
                                                  const std::string& path);

/// Stands for a worker as an argument of a child, see `by_path`.
template <class W>
struct path_to {
  std::string path;
};

/// As an argument of a child: becomes a `worker_ref<W>`, which is looked up at
/// the start of each of the child's lives. An unknown path is a failed start
/// that names it. (S31)
template <class W>
[[nodiscard]] path_to<W> by_path(std::string path) {
  return {std::move(path)};
}

/// The part of `resolve` that does not depend on the class of the worker.
/// @throws start_error if nobody has that path.
[[nodiscard]] worker_handle find_or_throw(caf::actor_system& sys,
                                          const std::string& path,
                                          const std::type_info& type);

/// An argument of a child, as its constructor gets it.
template <class T>
const T& resolve(caf::actor_system&, const T& x) {
  // It is kept in the spec of the child.
  return x; // NOLINT(bugprone-return-const-ref-from-parameter)
}

/// @copydoc resolve
template <class W>
ref_to_t<W> resolve(caf::actor_system& sys, const path_to<W>& x) {
  return ref_to_t<W>{find_or_throw(sys, x.path, typeid(W))};
}

/// What `resolve` makes of a `T`.
template <class T>
struct resolved {
  using type = T;
};

/// @copydoc resolved
template <class W>
struct resolved<path_to<W>> {
  using type = ref_to_t<W>;
};

template <class T>
using resolved_t = typename resolved<T>::type;

} // namespace troupe
