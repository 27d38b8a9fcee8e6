# Warnings for troupe's own targets, as errors; users of troupe get none.
function(troupe_set_warnings target)
  if(NOT TROUPE_WARNINGS)
    return()
  endif()
  target_compile_options(
    ${target}
    PRIVATE
      -Wall
      -Wextra
      -Wpedantic
      -Wshadow
      -Woverloaded-virtual
      -Wextra-semi
      -Wold-style-cast
      # Options are aggregates of which one names what one wants.
      -Wno-missing-field-initializers
      -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wduplicated-cond -Wlogical-op)
    # When it optimises, GCC 12 sees these where they are not, for example in
    # CAF's pointers: then it says so, and goes on.
    set(optimised $<NOT:$<CONFIG:Debug>>)
    target_compile_options(
      ${target} PRIVATE $<${optimised}:-Wno-error=maybe-uninitialized>
                        $<${optimised}:-Wno-error=use-after-free>
                        $<${optimised}:-Wno-error=array-bounds>)
  endif()
endfunction()
