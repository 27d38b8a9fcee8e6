# Checks a file of JSON objects, one a line, each with these members, and no
# others.
#
#   cmake -D file=FILE -D "members=NAME=TYPE[|TYPE]...;..." -P check_json.cmake
cmake_minimum_required(VERSION 3.25)

file(STRINGS "${file}" lines)
if(NOT lines)
  message(FATAL_ERROR "${file} is empty")
endif()

list(LENGTH members wanted)
foreach(line IN LISTS lines)
  string(JSON count ERROR_VARIABLE error LENGTH "${line}")
  if(error)
    message(FATAL_ERROR "${error}: ${line}")
  endif()
  if(NOT count EQUAL wanted)
    message(FATAL_ERROR "${count} members, not ${wanted}: ${line}")
  endif()
  foreach(member IN LISTS members)
    string(REGEX MATCH "^([a-z_]+)=(.*)$" matched "${member}")
    set(name ${CMAKE_MATCH_1})
    set(types ${CMAKE_MATCH_2})
    string(JSON type ERROR_VARIABLE error TYPE "${line}" ${name})
    if(error)
      message(FATAL_ERROR "${error}: ${line}")
    endif()
    if(NOT type MATCHES "^(${types})$")
      message(FATAL_ERROR "${name} is ${type}, not ${types}: ${line}")
    endif()
  endforeach()
endforeach()

list(LENGTH lines count)
message(STATUS "${count} objects")
