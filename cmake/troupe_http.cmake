# Finds cpp-httplib for whatever speaks HTTP: makes troupe_httplib, or not.
#
# Debian builds cpp-httplib as a library, and its users need the definitions it
# was built with, or its classes have another layout. Elsewhere it is a header.

include_guard(GLOBAL)

find_package(Threads QUIET)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
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
