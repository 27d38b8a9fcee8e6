// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Part of each test program: what it prints is seen at once, also if it hangs
// later and is killed.

#include <cstdio>

namespace {

[[maybe_unused]] const int once = std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);

} // namespace
