// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/type_ids.hpp"

#include "troupe/child_info.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/detail/known_types.hpp"
#include "troupe/error.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status.hpp"
#include "troupe/tree_status.hpp"

#include <cstdint>

template void caf::init_global_meta_objects<caf::id_block::troupe>();

namespace troupe::detail {

std::string why_unknown(std::initializer_list<declared_type> types) {
  auto is_known = [](caf::type_id_t id) {
    return !caf::query_type_name(id).empty();
  };
  if (!is_known(caf::type_id_v<std::int32_t>))
    return {};
  for (const auto& x : types)
    if (x.id != caf::invalid_type_id && !is_known(x.id))
      return "CAF does not know the message type " + std::string{x.name}
             + ": the id block that declares it is missing in CAF_MAIN; write "
               "CAF_MAIN(caf::id_block::troupe, caf::id_block::my_app), or "
               "call caf::init_global_meta_objects<caf::id_block::my_app>() "
               "before the actor system is made";
  return {};
}

} // namespace troupe::detail
