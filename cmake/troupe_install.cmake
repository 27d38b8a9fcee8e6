# The install rules, the exported package and its pkg-config file.

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)

install(
  TARGETS troupe
  EXPORT troupe_targets
  FILE_SET HEADERS
  FILE_SET moved_headers)
install(
  EXPORT troupe_targets
  FILE troupeTargets.cmake
  NAMESPACE troupe::
  DESTINATION ${package_dir})

# The observer is a component: found only by those who ask for it, since they
# need what it needs.
if(TARGET troupe_observer)
  install(
    TARGETS troupe_observer
    EXPORT troupe_observer_targets
    FILE_SET HEADERS)
  install(
    EXPORT troupe_observer_targets
    FILE troupeObserverTargets.cmake
    NAMESPACE troupe::
    DESTINATION ${package_dir})
endif()

# So are durable jobs.
if(TARGET troupe_durable)
  install(
    TARGETS troupe_durable
    EXPORT troupe_durable_targets
    FILE_SET HEADERS)
  install(
    EXPORT troupe_durable_targets
    FILE troupeDurableTargets.cmake
    NAMESPACE troupe::
    DESTINATION ${package_dir})
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/troupe_postgres.cmake
                ${PROJECT_SOURCE_DIR}/cmake/troupe_sqlite.cmake
          DESTINATION ${package_dir})
endif()

# And so is the cluster.
if(TARGET troupe_cluster)
  install(
    TARGETS troupe_cluster
    EXPORT troupe_cluster_targets
    FILE_SET HEADERS)
  install(
    EXPORT troupe_cluster_targets
    FILE troupeClusterTargets.cmake
    NAMESPACE troupe::
    DESTINATION ${package_dir})
endif()

configure_package_config_file(
  cmake/troupeConfig.cmake.in ${PROJECT_BINARY_DIR}/troupeConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/troupeConfig.cmake
        ${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake
        ${PROJECT_SOURCE_DIR}/cmake/troupe_caf.cmake
  DESTINATION ${package_dir})

# CAF has no pkg-config file of its own, so troupe's says where it is. The
# folders are only known of an installed CAF, not of one in the same build.
get_target_property(caf_is_imported CAF::core IMPORTED)
if(caf_is_imported)
  get_target_property(caf_includes CAF::core INTERFACE_INCLUDE_DIRECTORIES)
  list(GET caf_includes 0 TROUPE_CAF_INCLUDEDIR)
  get_target_property(caf_library CAF::core LOCATION)
  cmake_path(GET caf_library PARENT_PATH TROUPE_CAF_LIBDIR)
  # A program finds shared libraries by itself only in the system's folders.
  # What is in another one is looked for where it was when it was linked.
  set(TROUPE_PC_RPATH "")
  set(system_dirs ${CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES}
                  ${CMAKE_PLATFORM_IMPLICIT_LINK_DIRECTORIES})
  get_target_property(caf_type CAF::core TYPE)
  if(NOT caf_type STREQUAL "STATIC_LIBRARY"
     AND NOT TROUPE_CAF_LIBDIR IN_LIST system_dirs)
    string(APPEND TROUPE_PC_RPATH " -Wl,-rpath,\${caf_libdir}")
  endif()
  get_target_property(troupe_type troupe TYPE)
  if(troupe_type STREQUAL "SHARED_LIBRARY")
    string(APPEND TROUPE_PC_RPATH " -Wl,-rpath,\${libdir}")
  endif()
  set(packages troupe)
  if(TARGET troupe_observer)
    list(APPEND packages troupe-observer)
  endif()
  if(TARGET troupe_durable)
    list(APPEND packages troupe-durable)
  endif()
  if(TARGET troupe_cluster)
    list(APPEND packages troupe-cluster)
  endif()
  foreach(package IN LISTS packages)
    set(package_file ${PROJECT_BINARY_DIR}/${package}.pc)
    configure_file(cmake/${package}.pc.in ${package_file}.configured @ONLY)
    install(
      CODE "set(package_file \"${package_file}\")
        set(libdir \"${CMAKE_INSTALL_LIBDIR}\")
        set(system_dirs \"${system_dirs}\")")
    install(
      CODE [[
        file(READ "${package_file}.configured" content)
        string(REPLACE "{INSTALL_PREFIX}" "${CMAKE_INSTALL_PREFIX}" content
                       "${content}")
        list(FIND system_dirs "${CMAKE_INSTALL_PREFIX}/${libdir}" at)
        if(NOT at EQUAL -1)
          string(REPLACE " -Wl,-rpath,\${libdir}" "" content "${content}")
        endif()
        file(WRITE "${package_file}" "${content}")
      ]])
    install(FILES ${package_file}
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endforeach()
endif()
