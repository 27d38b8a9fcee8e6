# troupe-jobs: looks after the jobs in a store. It uses the engine of the
# component durable, and needs no actor system.

if(NOT TARGET troupe_durable OR NOT TARGET nlohmann_json::nlohmann_json)
  message(STATUS "troupe-jobs is left out: it needs troupe::durable and "
                 "nlohmann-json")
  return()
endif()

file(GLOB parts CONFIGURE_DEPENDS troupe_jobs/*.cpp)
troupe_add_program(troupe_jobs troupe-jobs ${parts})
target_include_directories(
  troupe_jobs PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/troupe_jobs
                      ${PROJECT_SOURCE_DIR}/actors)
target_compile_definitions(troupe_jobs
                           PRIVATE TROUPE_VERSION="${PROJECT_VERSION}")
target_link_libraries(troupe_jobs PRIVATE troupe::durable
                                          nlohmann_json::nlohmann_json)

if(TROUPE_BUILD_TESTS)
  include(../cmake/troupe_tests.cmake)
  troupe_add_catch2_test(
    tool_troupe_jobs_test
    SOURCES ${PROJECT_SOURCE_DIR}/tests/tools/troupe_jobs_test.cpp
    LIBRARIES troupe::durable SQLiteCpp nlohmann_json::nlohmann_json)
  target_compile_definitions(
    tool_troupe_jobs_test
    PRIVATE TROUPE_JOBS_PROGRAM="$<TARGET_FILE:troupe_jobs>")
  add_dependencies(tool_troupe_jobs_test troupe_jobs)
endif()
