// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/type_ids.hpp"

#include "troupe/child_info.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/error.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status.hpp"
#include "troupe/tree_status.hpp"

template void caf::init_global_meta_objects<caf::id_block::troupe>();
