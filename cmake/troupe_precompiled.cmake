# Headers that nearly every file includes and nobody here changes: CAF's and the
# standard library's are nine lines in ten of what a compiler reads. They are
# compiled once for the library, and once for the programs around it.
option(TROUPE_PRECOMPILE "Precompile the headers of CAF and Catch2"
       ${PROJECT_IS_TOP_LEVEL})

set(troupe_precompiled_headers
    <caf/actor.hpp>
    <caf/actor_registry.hpp>
    <caf/actor_system.hpp>
    <caf/actor_system_config.hpp>
    <caf/deep_to_string.hpp>
    <caf/event_based_actor.hpp>
    <caf/expected.hpp>
    <caf/message.hpp>
    <condition_variable>
    <coroutine>
    <deque>
    <functional>
    <future>
    <iostream>
    <map>
    <memory>
    <mutex>
    <optional>
    <string>
    <thread>
    <tuple>
    <unordered_map>
    <variant>
    <vector>)

# Makes the precompiled headers of a target, for itself and for those that reuse
# them. Further arguments are further headers.
function(troupe_precompile target)
  if(NOT TROUPE_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${troupe_precompiled_headers}
                            ${ARGN})
  troupe_preprocess_for_ccache(${target})
endfunction()

# Has a target use the precompiled headers of another one, which is compiled
# with the same options.
function(troupe_reuse_precompiled target from)
  if(NOT TROUPE_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${from})
  troupe_preprocess_for_ccache(${target})
endfunction()

# ccache cannot look into a file that GCC has precompiled, unless GCC leaves a
# note of it in what it preprocesses.
function(troupe_preprocess_for_ccache target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()
