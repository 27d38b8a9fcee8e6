# Finds libpq: makes the target `troupe_libpq`, where it is there. May be included
# any number of times, from any folder. CMake's own FindPostgreSQL wants headers
# of the server, too.

include_guard(DIRECTORY)

find_path(TROUPE_LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql pgsql)
find_library(TROUPE_LIBPQ pq)
mark_as_advanced(TROUPE_LIBPQ TROUPE_LIBPQ_INCLUDE)

if(TROUPE_LIBPQ AND TROUPE_LIBPQ_INCLUDE AND NOT TARGET troupe_libpq)
  add_library(troupe_libpq UNKNOWN IMPORTED)
  set_target_properties(
    troupe_libpq
    PROPERTIES IMPORTED_LOCATION "${TROUPE_LIBPQ}"
               INTERFACE_INCLUDE_DIRECTORIES "${TROUPE_LIBPQ_INCLUDE}")
endif()
