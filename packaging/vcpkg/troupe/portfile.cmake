# An overlay port: it builds the sources that it lies in. For a registry, put
# vcpkg_from_git or vcpkg_from_github in place of the first line.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(
  OUT_FEATURE_OPTIONS
  FEATURE_OPTIONS
  FEATURES
  cluster
  TROUPE_BUILD_CLUSTER
  durable
  TROUPE_BUILD_DURABLE
  observer
  TROUPE_BUILD_OBSERVER)

vcpkg_cmake_configure(
  SOURCE_PATH
  "${SOURCE_PATH}"
  OPTIONS
  ${FEATURE_OPTIONS}
  -DTROUPE_BUILD_TESTS=OFF
  -DTROUPE_BUILD_EXAMPLES=OFF
  -DTROUPE_BUILD_BENCH=OFF
  -DTROUPE_BUILD_TOOLS=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/troupe)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include"
     "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage"
     DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
