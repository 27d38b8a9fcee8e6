# Servers of PostgreSQL's that tests and benchmarks start themselves, see
# tests/support/postgres_server.hpp: makes the target `troupe_postgres_server`,
# where PostgreSQL and libpq are there. May be included any number of times.

include_guard(DIRECTORY)

if(TARGET troupe_libpq)
  find_program(
    TROUPE_INITDB initdb
    PATHS /usr/lib/postgresql/17/bin /usr/lib/postgresql/16/bin
          /usr/lib/postgresql/15/bin /usr/lib/postgresql/14/bin
          /usr/lib/postgresql/13/bin)
  mark_as_advanced(TROUPE_INITDB)
endif()

if(TROUPE_INITDB AND NOT TARGET troupe_postgres_server)
  cmake_path(GET TROUPE_INITDB PARENT_PATH troupe_postgres_bin)
  add_library(troupe_postgres_server INTERFACE)
  target_link_libraries(troupe_postgres_server INTERFACE troupe_libpq)
  target_compile_definitions(
    troupe_postgres_server
    INTERFACE
      TROUPE_POSTGRES_BIN="${troupe_postgres_bin}"
      TROUPE_POSTGRES_SCRIPT="${PROJECT_SOURCE_DIR}/tests/support/postgres_server.sh")
endif()
