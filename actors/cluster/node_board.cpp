// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cluster/node_board.hpp"

#include "rules/printable.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <stdexcept>
#include <utility>

namespace troupe::cluster {

namespace {

constexpr const char* board_key = "troupe.cluster";

/// Ties a board to its actor system: the registry holds it.
class board_actor final : public caf::event_based_actor {
public:
  board_actor(caf::actor_config& cfg, std::shared_ptr<node_board> what)
    : caf::event_based_actor(cfg), what_(std::move(what)) {
    // nop
  }

  [[nodiscard]] const std::shared_ptr<node_board>& what() const noexcept {
    return what_;
  }

private:
  std::shared_ptr<node_board> what_;
};

board_actor* find_board(caf::actor_system& sys) {
  auto ptr = sys.registry().get<caf::strong_actor_ptr>(board_key);
  // The registry keeps it, so the plain pointer stays good.
  return ptr ? dynamic_cast<board_actor*>(
                 caf::actor_cast<caf::abstract_actor*>(ptr))
             : nullptr;
}

} // namespace

std::shared_ptr<node_board> node_board::of(caf::actor_system& sys) {
  // Of two threads that ask at the same time one makes it.
  static std::mutex mtx;
  const std::unique_lock guard{mtx};
  if (auto* found = find_board(sys))
    return found->what();
  auto result = std::make_shared<node_board>();
  auto hdl = sys.spawn<board_actor, caf::hidden + caf::lazy_init>(result);
  sys.registry().put(board_key, caf::actor_cast<caf::strong_actor_ptr>(hdl));
  return result;
}

void node_board::enter(const std::string& name,
                       const std::shared_ptr<node_core>& who) {
  const std::unique_lock guard{mtx_};
  if (!nodes_.try_emplace(name, who).second)
    throw std::invalid_argument("node \"" + troupe::rules::printable(name)
                                + "\": this actor system has a node of that "
                                  "name; choose another one");
}

void node_board::leave(const std::string& name) noexcept {
  const std::unique_lock guard{mtx_};
  nodes_.erase(name);
}

std::shared_ptr<node_core> node_board::find(const std::string& name) const {
  const std::unique_lock guard{mtx_};
  std::shared_ptr<node_core> result;
  std::string names;
  for (const auto& [key, x] : nodes_) {
    auto ptr = x.lock();
    if (!ptr || (!name.empty() && key != name))
      continue;
    result = std::move(ptr);
    names += (names.empty() ? "" : ", ") + key;
  }
  if (!result)
    throw std::invalid_argument(
      "this actor system has no node"
      + (name.empty() ? std::string{} : " \"" + name + "\"")
      + "; make a troupe::cluster::node before the tree starts");
  if (name.empty() && names.find(", ") != names.npos)
    throw std::invalid_argument("this actor system has several nodes (" + names
                                + "); name one in singleton_options::node");
  return result;
}

} // namespace troupe::cluster
