# Has the sources of a target compiled some at a time: most of what a compiler
# reads are the headers that all of them include.
function(troupe_compile_together target)
  if(NOT TROUPE_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON
                                             UNITY_BUILD_BATCH_SIZE 12)
  # Its table is written with the names of three enumerations, which those of
  # supervision.cpp have as well.
  set_source_files_properties(
    ${PROJECT_SOURCE_DIR}/actors/rules/lifecycle.cpp
    PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  # A name of one source may be that of a local in the next; release compiles each
  # alone, with the warning.
  target_compile_options(${target} PRIVATE -Wno-shadow)
  # GCC takes an included source for a header, whose anonymous types would differ
  # from one source to the next.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
