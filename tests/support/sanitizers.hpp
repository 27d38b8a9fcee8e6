// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Says which sanitizer the tests are compiled with.

#pragma once

#ifdef __has_feature // Clang
#  if __has_feature(address_sanitizer)
#    define TROUPE_TEST_ASAN 1
#  elif __has_feature(thread_sanitizer)
#    define TROUPE_TEST_TSAN 1
#  endif
#endif

#if defined(__SANITIZE_ADDRESS__) && !defined(TROUPE_TEST_ASAN) // GCC
#  define TROUPE_TEST_ASAN 1
#elif defined(__SANITIZE_THREAD__) && !defined(TROUPE_TEST_TSAN)
#  define TROUPE_TEST_TSAN 1
#endif

namespace support {

#ifdef TROUPE_TEST_ASAN
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#endif

#ifdef TROUPE_TEST_TSAN
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif

} // namespace support
