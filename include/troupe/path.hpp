// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/worker_ref.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <string>
#include <typeinfo>
#include <utility>

namespace troupe {

/// The part of `lookup` that does not depend on the class of the worker.
/// @param type The class that it must have, see `worker_handle::is_of`.
[[nodiscard]] caf::expected<worker_handle>
find_worker(caf::actor_system& sys, const std::string& path,
            const std::type_info& type);

/// The part of `lookup` that does not depend on the type of the actor.
[[nodiscard]] caf::expected<caf::strong_actor_ptr>
find_actor(caf::actor_system& sys, const std::string& path);

/// Finds a child of a supervisor, of this one or any other, by its path.
/// Thread-safe.
/// @tparam W Its class, as its spec says; `supervisor_ref` for a supervisor,
///           `worker_handle` for whatever there is; or, for a child that is a
///           plain CAF actor, the type of its handle, `caf::actor` or a typed
///           one, which is taken at its word.
/// @param path The names from the topmost supervisor down:
///             `/pipeline/writer`.
/// @returns a handle, or `errc::not_found` or `errc::invalid_argument` if it
///          is of another class, with a text that names the path. For a handle
///          of CAF, `errc::not_found` as well while there is no actor. (S31)
template <class W>
[[nodiscard]] caf::expected<ref_to_t<W>>
lookup(caf::actor_system& sys, const std::string& path) {
  if constexpr (caf_handle<W>) {
    auto found = find_actor(sys, path);
    if (!found)
      return std::move(found.error());
    return caf::actor_cast<W>(std::move(*found));
  } else {
    auto found = find_worker(sys, path, typeid(W));
    if (!found)
      return std::move(found.error());
    return ref_to_t<W>{std::move(*found)};
  }
}

/// @throws std::out_of_range with the text of `why`.
[[noreturn]] void throw_nobody_there(const caf::error& why);

/// As `lookup`, for a program that cannot go on without it.
/// @throws std::out_of_range with a text that names the path.
template <class W>
[[nodiscard]] ref_to_t<W>
worker_at(caf::actor_system& sys, const std::string& path) {
  auto found = lookup<W>(sys, path);
  if (!found)
    throw_nobody_there(found.error());
  return std::move(*found);
}

/// The same for a child of whatever class.
[[nodiscard]] caf::expected<worker_handle> lookup(caf::actor_system& sys,
                                                  const std::string& path);

/// Stands for a worker as an argument of a child, see `by_path`.
template <class W>
struct path_to {
  /// The path, from the topmost supervisor on.
  std::string path;
};

/// As an argument of a child: becomes a `worker_ref<W>`, which is looked up at
/// the start of each of the child's lives. An unknown path is a failed start
/// that names it. `by_path<caf::actor>`, or with the type of a typed handle,
/// becomes the actor itself, for children that are plain CAF actors: who holds
/// it does not follow a restart of that child. (S31)
template <class W>
[[nodiscard]] path_to<W> by_path(std::string path) {
  return {std::move(path)};
}

/// The name of a child, and its class: what `supervisor_spec::add` returns.
/// Where a call takes the name of a child, it is that. As an argument of
/// another child it becomes a handle, which is looked up at the start of each
/// of that child's lives: it means the child of that name of its own
/// supervisor, or of the nearest one above that has one. (S31)
///
/// ~~~
/// const auto out = tree.add<writer>("writer");
/// tree.add<fetcher>("fetcher", out); // its constructor takes a worker_ref
/// ~~~
/// @tparam W As for `lookup`.
template <class W>
struct child_name {
  /// The name of the child.
  std::string name;

  /// For calls that take the name of a child.
  operator const std::string&() const noexcept {
    return name;
  }
};

/// The part of `resolve` for a `child_name` that does not depend on its class.
/// @pre called while a child of a supervisor is made, on its own actor
[[nodiscard]] caf::expected<std::string>
path_from_here(caf::actor_system& sys, const std::string& name);

/// @throws start_error with `why`.
[[noreturn]] void throw_not_found(caf::error why);

/// An argument of a child, as its constructor gets it.
template <class T>
const T& resolve(caf::actor_system&, const T& x) {
  // It is kept in the spec of the child.
  return x; // NOLINT(bugprone-return-const-ref-from-parameter)
}

/// The handle for a path, looked up.
/// @throws start_error if nobody is there.
template <class W>
ref_to_t<W> resolve(caf::actor_system& sys, const path_to<W>& x) {
  auto found = lookup<W>(sys, x.path);
  if (!found)
    throw_not_found(std::move(found.error()));
  return std::move(*found);
}

/// The handle for a child of the supervisor that makes the worker, looked up.
/// @throws start_error if nobody is there.
template <class W>
ref_to_t<W> resolve(caf::actor_system& sys, const child_name<W>& x) {
  auto path = path_from_here(sys, x.name);
  if (!path)
    throw_not_found(std::move(path.error()));
  return resolve(sys, path_to<W>{std::move(*path)});
}

/// The result of `resolve` for a `T`.
template <class T>
struct resolved {
  using type = T;
};

/// @copydoc resolved
template <class W>
struct resolved<path_to<W>> {
  using type = ref_to_t<W>;
};

/// @copydoc resolved
template <class W>
struct resolved<child_name<W>> {
  using type = ref_to_t<W>;
};

/// @copydoc resolved
template <class T>
using resolved_t = typename resolved<T>::type;

} // namespace troupe
