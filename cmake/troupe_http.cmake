# Finds what speaks HTTP and JSON: makes the targets `troupe_httplib` and
# `nlohmann_json::nlohmann_json`, where they are there. May be included any
# number of times, from any folder.
#
# Debian builds cpp-httplib as a library, and its users need the definitions it
# was built with, or its classes have another layout. Elsewhere it is a header.

include_guard(DIRECTORY)

find_package(Threads QUIET)
find_package(nlohmann_json QUIET)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND AND NOT TARGET PkgConfig::CPP_HTTPLIB)
  pkg_check_modules(CPP_HTTPLIB QUIET IMPORTED_TARGET GLOBAL cpp-httplib)
endif()
find_path(HTTPLIB_INCLUDE_DIR httplib.h)
mark_as_advanced(HTTPLIB_INCLUDE_DIR)

if(NOT TARGET troupe_httplib
   AND TARGET Threads::Threads
   AND (CPP_HTTPLIB_FOUND OR HTTPLIB_INCLUDE_DIR))
  add_library(troupe_httplib INTERFACE IMPORTED GLOBAL)
  target_link_libraries(troupe_httplib INTERFACE Threads::Threads)
  if(CPP_HTTPLIB_FOUND)
    target_link_libraries(troupe_httplib INTERFACE PkgConfig::CPP_HTTPLIB)
  else()
    target_include_directories(troupe_httplib SYSTEM
                               INTERFACE ${HTTPLIB_INCLUDE_DIR})
  endif()
endif()
