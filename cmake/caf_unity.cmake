# Given to the build of CAF as CMAKE_PROJECT_INCLUDE, beside
# CMAKE_UNITY_BUILD=ON: leaves the one source out of it that has a name which
# another one has too. It waits until CAF has made its targets.
cmake_language(
  DEFER CALL set_source_files_properties
  ${CMAKE_CURRENT_SOURCE_DIR}/libcaf_core/src/binary_serializer.cpp
  TARGET_DIRECTORY libcaf_core
  PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
