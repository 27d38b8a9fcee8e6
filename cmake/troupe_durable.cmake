# The component `durable`: the library troupe_durable, known to others as
# troupe::durable. It is left out, with a message, where what it needs is not
# there.

include(${CMAKE_CURRENT_LIST_DIR}/troupe_sqlite.cmake)

if(NOT TARGET SQLiteCpp)
  message(STATUS "troupe::durable is left out: it needs SQLiteCpp (Debian: "
                 "libsqlitecpp-dev)")
  return()
endif()

# Payloads have numbers in their shortest form.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles(
  "#include <charconv>
   int main() {
     double x;
     return static_cast<int>(std::from_chars(nullptr, nullptr, x).ec);
   }"
  TROUPE_HAS_FROM_CHARS)
if(NOT TROUPE_HAS_FROM_CHARS)
  message(STATUS "troupe::durable is left out: it needs std::from_chars for "
                 "double, which libstdc++ has from 11 on and libc++ from 20 on")
  return()
endif()

file(GLOB durable_sources CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/actors/durable/*.cpp)

# PostgreSQL beside SQLite.
include(${CMAKE_CURRENT_LIST_DIR}/troupe_postgres.cmake)
if(NOT TARGET troupe_libpq)
  message(STATUS "troupe::durable has no stores in PostgreSQL: they need libpq "
                 "(Debian: libpq-dev)")
  list(FILTER durable_sources EXCLUDE REGEX "/postgres_[a-z_]*\\.cpp$")
endif()

file(GLOB durable_headers CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/troupe/durable.hpp
     ${PROJECT_SOURCE_DIR}/include/troupe/durable/*.hpp)

add_library(troupe_durable ${durable_sources})
add_library(troupe::durable ALIAS troupe_durable)
target_sources(
  troupe_durable
  PUBLIC FILE_SET
         HEADERS
         BASE_DIRS
         ${PROJECT_SOURCE_DIR}/include
         FILES
         ${durable_headers})
target_include_directories(troupe_durable PRIVATE ${PROJECT_SOURCE_DIR}/actors)
target_link_libraries(
  troupe_durable
  PUBLIC troupe
  PRIVATE SQLiteCpp)
if(TARGET troupe_libpq)
  target_link_libraries(troupe_durable PRIVATE troupe_libpq)
  target_compile_definitions(troupe_durable PRIVATE TROUPE_HAS_POSTGRES)
  set(TROUPE_HAS_POSTGRES ON)
  set(TROUPE_PC_PQ ", libpq")
endif()
set_target_properties(
  troupe_durable
  PROPERTIES CXX_EXTENSIONS OFF
             EXPORT_NAME durable
             POSITION_INDEPENDENT_CODE ON
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             VERSION ${PROJECT_VERSION}
             VERIFY_INTERFACE_HEADER_SETS ON)
troupe_set_warnings(troupe_durable)
troupe_reuse_precompiled(troupe_durable troupe)
troupe_compile_together(troupe_durable)

# As a part of another build it is compiled only if somebody links it.
if(NOT PROJECT_IS_TOP_LEVEL)
  set_target_properties(troupe_durable PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
