// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/cluster/node.hpp"

#include "cluster/node_board.hpp"
#include "cluster/node_core.hpp"

#include <utility>

namespace troupe::cluster {

node::node(caf::actor_system& sys, node_options how)
  : core_(std::make_shared<node_core>(sys, std::move(how))),
    board_(node_board::of(sys)) {
  board_->enter(core_->options().name, core_);
  core_->begin();
}

node::~node() {
  board_->leave(core_->options().name);
  core_->leave();
}

node_status node::status() const {
  return core_->status();
}

member_list node::members() const {
  return core_->members();
}

caf::error node::wait_until_member(timespan within) const {
  return core_->wait_until_member(within);
}

} // namespace troupe::cluster
