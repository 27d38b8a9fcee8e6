// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

namespace stress {

class round;

// Each is in a file of its name.

void play_trees(round& here);

void play_pools(round& here);

void play_restarts(round& here);

void play_lives(round& here);

void play_stuck(round& here);

void play_late(round& here);

void play_names(round& here);

void play_ends(round& here);

} // namespace stress
