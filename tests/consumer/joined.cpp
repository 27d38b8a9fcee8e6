// What a program that is part of a cluster needs of an installed troupe.

#include <troupe/cluster.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <iostream>

void caf_main(caf::actor_system& sys) {
  const troupe::cluster::node here{sys, {.name = "here"}};
  std::cout << here.members().members.size() << " member\n";
}

CAF_MAIN(caf::id_block::troupe)
