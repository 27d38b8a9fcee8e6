# Finds what speaks HTTP and JSON, and makes the targets
# `nlohmann_json::nlohmann_json` and `troupe_httplib` of what is there. May be
# included any number of times, from any folder.
include_guard(DIRECTORY)

find_package(Threads REQUIRED)
find_package(nlohmann_json QUIET)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND AND NOT TARGET PkgConfig::CPP_HTTPLIB)
  pkg_check_modules(CPP_HTTPLIB QUIET IMPORTED_TARGET cpp-httplib)
endif()
find_path(HTTPLIB_INCLUDE_DIR httplib.h)
mark_as_advanced(HTTPLIB_INCLUDE_DIR)

# Debian builds cpp-httplib as a library, and its users need the definitions it
# was built with, or its classes have another layout. Elsewhere it is a header.
# Imported targets are those of one folder and of the ones below it; where they
# are missing they are found again, while `troupe_httplib` is everybody's.
if(NOT TARGET troupe_httplib AND (TARGET PkgConfig::CPP_HTTPLIB
                                  OR HTTPLIB_INCLUDE_DIR))
  add_library(troupe_httplib INTERFACE)
  target_link_libraries(troupe_httplib INTERFACE Threads::Threads)
  if(TARGET PkgConfig::CPP_HTTPLIB)
    target_link_libraries(troupe_httplib INTERFACE PkgConfig::CPP_HTTPLIB)
  else()
    target_include_directories(troupe_httplib SYSTEM
                               INTERFACE ${HTTPLIB_INCLUDE_DIR})
  endif()
endif()
