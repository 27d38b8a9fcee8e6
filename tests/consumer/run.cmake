# Takes troupe in as a user would, builds a program with it and runs it. Run by
# CTest, with the variables that tests/CMakeLists.txt passes.

# Runs a command; stops, with its output, if it fails.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

set(configure
    ${CMAKE_COMMAND} -G ${generator} -B ${work}/build -D CAF_DIR=${caf_dir}
    -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_COMPILER_LAUNCHER=${launcher}
    -D CMAKE_CXX_FLAGS=${flags} -D CMAKE_BUILD_TYPE=${config})

find_program(dpkg_deb dpkg-deb)
if(how STREQUAL "find_package" AND dpkg_deb)
  # From a package, in a root where there is nothing else.
  run(${CMAKE_CPACK_COMMAND} -G DEB --config ${troupe_build}/CPackConfig.cmake
      -B ${work}/package)
  file(GLOB package ${work}/package/*.deb)
  run(${dpkg_deb} -x ${package} ${work}/root)
  file(RENAME ${work}/root/usr ${work}/installed)
elseif(NOT how STREQUAL "add_subdirectory")
  run(${CMAKE_COMMAND} --install ${troupe_build} --prefix ${work}/installed)
endif()

# The programs that are installed beside it find their libraries.
if(how STREQUAL "pkg_config")
  file(GLOB tools ${work}/installed/bin/troupe-*)
  foreach(tool IN LISTS tools)
    run(${tool} --version)
  endforeach()
endif()

if(how STREQUAL "find_package")
  run(${configure} -S ${source}/find_package
      -D CMAKE_PREFIX_PATH=${work}/installed
      -D OBSERVER_EXPECTED=${observer_expected}
      -D DURABLE_EXPECTED=${durable_expected}
      -D CLUSTER_EXPECTED=${cluster_expected})
  run(${CMAKE_COMMAND} --build ${work}/build)
elseif(how STREQUAL "add_subdirectory")
  run(${configure} -S ${source}/add_subdirectory -D BUILD_SHARED_LIBS=ON
      -D TROUPE_PRECOMPILE=ON -D TROUPE_UNITY=ON
      -D TROUPE_SOURCE_DIR=${troupe_source})
  run(${CMAKE_COMMAND} --build ${work}/build)
elseif(how STREQUAL "pkg_config")
  find_program(pkg_config NAMES pkgconf pkg-config REQUIRED)
  file(GLOB_RECURSE pc_file ${work}/installed/troupe.pc)
  cmake_path(GET pc_file PARENT_PATH pc_dir)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  file(MAKE_DIRECTORY ${work}/build)
  function(compile program package file)
    execute_process(
      COMMAND ${pkg_config} --cflags --libs ${package}
      OUTPUT_VARIABLE found
      OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(found UNIX_COMMAND "${flags} ${found}")
    run(${compiler} -o ${work}/build/${program} ${source}/${file} ${found})
  endfunction()
  compile(consumer troupe main.cpp)
  if(observer_expected)
    compile(watched troupe-observer watched.cpp)
  endif()
  if(durable_expected)
    compile(posted troupe-durable posted.cpp)
  endif()
  if(cluster_expected)
    compile(joined troupe-cluster joined.cpp)
  endif()
else()
  message(FATAL_ERROR "there is no way \"${how}\" to take troupe in")
endif()

run(${work}/build/consumer)
foreach(program watched posted joined)
  if(EXISTS ${work}/build/${program})
    run(${work}/build/${program})
  endif()
endforeach()
