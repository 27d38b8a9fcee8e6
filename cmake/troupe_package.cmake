# A package for Debian and its kin, by `cpack -G DEB` in the build tree: the
# libraries, the headers and what CMake and pkg-config find them with.

set(CPACK_PACKAGE_NAME libtroupe-dev)
set(CPACK_PACKAGE_VENDOR "the authors of troupe")
set(CPACK_PACKAGE_CONTACT ${CPACK_PACKAGE_VENDOR})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGE_DESCRIPTION
    "Built with CAF ${CAF_VERSION}, which Debian has no package of: a program \
needs the same version of it, see scripts/bootstrap.")
set(CPACK_PACKAGE_FILE_NAME ${CPACK_PACKAGE_NAME}_${PROJECT_VERSION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF) # of CAF there is no package

# Whatever a component needs, for those who use it.
set(recommended)
if(TARGET troupe_observer)
  list(APPEND recommended libboost-dev nlohmann-json3-dev zlib1g-dev)
endif()
if(TARGET troupe_durable)
  list(APPEND recommended libsqlitecpp-dev libpq-dev)
endif()
if(TARGET troupe_cluster)
  list(APPEND recommended libcurl4-openssl-dev nlohmann-json3-dev)
endif()
list(REMOVE_DUPLICATES recommended)
list(JOIN recommended ", " CPACK_DEBIAN_PACKAGE_RECOMMENDS)

include(CPack)
