# Finds SQLiteCpp, and with it SQLite: makes the target `SQLiteCpp`, where it is
# there. May be included any number of times, from any folder.

include_guard(DIRECTORY)

find_package(SQLiteCpp QUIET)
