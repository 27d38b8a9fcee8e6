# The component `cluster`: the library troupe_cluster, known to others as
# troupe::cluster. It is left out, with a message, where what it needs is not
# there.

find_package(CURL 7.68 QUIET)
find_package(Threads QUIET)
find_package(nlohmann_json QUIET)
if(NOT TARGET CURL::libcurl
   OR NOT TARGET Threads::Threads
   OR NOT TARGET nlohmann_json::nlohmann_json)
  message(STATUS "troupe::cluster is left out: it needs libcurl 7.68 and "
                 "nlohmann-json (Debian: libcurl4-openssl-dev, "
                 "nlohmann-json3-dev)")
  return()
endif()

file(GLOB cluster_sources CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/actors/cluster/*.cpp)
file(GLOB cluster_headers CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/troupe/cluster.hpp
     ${PROJECT_SOURCE_DIR}/include/troupe/cluster/*.hpp)

add_library(troupe_cluster ${cluster_sources})
add_library(troupe::cluster ALIAS troupe_cluster)
target_sources(
  troupe_cluster
  PUBLIC FILE_SET
         HEADERS
         BASE_DIRS
         ${PROJECT_SOURCE_DIR}/include
         FILES
         ${cluster_headers})
target_include_directories(troupe_cluster PRIVATE ${PROJECT_SOURCE_DIR}/actors)
target_link_libraries(
  troupe_cluster
  PUBLIC troupe
  PRIVATE CURL::libcurl Threads::Threads
          $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
set_target_properties(
  troupe_cluster
  PROPERTIES CXX_EXTENSIONS OFF
             EXPORT_NAME cluster
             POSITION_INDEPENDENT_CODE ON
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             VERSION ${PROJECT_VERSION}
             VERIFY_INTERFACE_HEADER_SETS ON)
troupe_set_warnings(troupe_cluster)
troupe_reuse_precompiled(troupe_cluster troupe)
troupe_compile_together(troupe_cluster)

# As a part of another build it is compiled only if somebody links it.
if(NOT PROJECT_IS_TOP_LEVEL)
  set_target_properties(troupe_cluster PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
