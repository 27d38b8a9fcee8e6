// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/small_mutex.hpp"

namespace troupe::detail {

template class basic_small_mutex<std_atomics>;

} // namespace troupe::detail
