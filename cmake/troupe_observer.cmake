# The component `observer`: the library troupe_observer, known to others as
# troupe::observer. It is left out, with a message, where what it needs is not
# there.

find_package(Boost 1.74 QUIET)
find_package(Threads QUIET)
find_package(ZLIB QUIET)
find_package(nlohmann_json QUIET)

if(NOT Boost_FOUND
   OR NOT ZLIB_FOUND
   OR NOT TARGET Threads::Threads
   OR NOT TARGET nlohmann_json::nlohmann_json)
  message(STATUS "troupe::observer is left out: it needs Boost 1.74, zlib and "
                 "nlohmann-json (Debian: libboost-dev, zlib1g-dev, "
                 "nlohmann-json3-dev)")
  return()
endif()

set(observer_dir ${PROJECT_SOURCE_DIR}/actors/observer)
file(GLOB observer_sources CONFIGURE_DEPENDS ${observer_dir}/*.cpp)
file(GLOB observer_headers CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/troupe/observer.hpp
     ${PROJECT_SOURCE_DIR}/include/troupe/observer/*.hpp)

# The page becomes a string in the library, so that a program needs no file.
set(page_cpp ${PROJECT_BINARY_DIR}/generated/observer/page.cpp)
set_property(
  DIRECTORY
  APPEND
  PROPERTY CMAKE_CONFIGURE_DEPENDS ${observer_dir}/page.html)
file(READ ${observer_dir}/page.html page)
configure_file(${observer_dir}/page.cpp.in ${page_cpp} @ONLY)

add_library(troupe_observer ${observer_sources} ${page_cpp})
add_library(troupe::observer ALIAS troupe_observer)
target_sources(
  troupe_observer
  PUBLIC FILE_SET
         HEADERS
         BASE_DIRS
         ${PROJECT_SOURCE_DIR}/include
         FILES
         ${observer_headers})
target_include_directories(troupe_observer PRIVATE ${PROJECT_SOURCE_DIR}/actors)
troupe_link_only_what_is_used(troupe_observer)
target_link_libraries(
  troupe_observer
  PUBLIC troupe
  PRIVATE Threads::Threads ZLIB::ZLIB $<BUILD_INTERFACE:Boost::headers>
          $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
# Boost 1.74 asks for std::result_of else, which C++20 has not, nor libc++.
target_compile_definitions(troupe_observer
                           PRIVATE BOOST_ASIO_HAS_STD_INVOKE_RESULT=1)
set_target_properties(
  troupe_observer
  PROPERTIES CXX_EXTENSIONS OFF
             EXPORT_NAME observer
             POSITION_INDEPENDENT_CODE ON
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             VERSION ${PROJECT_VERSION}
             VERIFY_INTERFACE_HEADER_SETS ON)
troupe_set_warnings(troupe_observer)
troupe_reuse_precompiled(troupe_observer troupe)
troupe_compile_together(troupe_observer)

# As a part of another build it is compiled only if somebody links it.
if(NOT PROJECT_IS_TOP_LEVEL)
  set_target_properties(troupe_observer PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
