# How tests are made: each is a program of its own and one entry of CTest, so
# that one which hangs or crashes takes no other with it.

set(TROUPE_TEST_TIMEOUT
    600
    CACHE STRING "Seconds after which a test counts as hanging")

find_package(Catch2 3 REQUIRED)

if(NOT TARGET troupe_test_at_once)
  add_library(troupe_test_at_once OBJECT
              ${PROJECT_SOURCE_DIR}/tests/support/at_once.cpp)
  target_link_libraries(troupe_test_at_once PRIVATE CAF::core Catch2::Catch2)
  set_target_properties(troupe_test_at_once PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_features(troupe_test_at_once PRIVATE cxx_std_20)
  troupe_set_warnings(troupe_test_at_once)
  troupe_precompile(troupe_test_at_once <catch2/catch_test_macros.hpp>)
endif()

# Adds an entry to CTest, with a time limit.
#
#   troupe_add_test(<name> COMMAND <command>...)
function(troupe_add_test name)
  add_test(NAME ${name} ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TROUPE_TEST_TIMEOUT})
endfunction()

# Adds a program of Catch2 tests.
#
#   troupe_add_catch2_test(<name> SOURCES <file>... [LIBRARIES <target>...])
function(troupe_add_catch2_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES}
                         $<TARGET_OBJECTS:troupe_test_at_once>)
  target_link_libraries(${name} PRIVATE troupe_test_support ${arg_LIBRARIES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  troupe_set_warnings(${name})
  troupe_reuse_precompiled(${name} troupe_test_at_once)
  troupe_add_test(${name} COMMAND ${name})
endfunction()
