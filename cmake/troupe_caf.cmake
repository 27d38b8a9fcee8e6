# Finds CAF for troupe's own build and, installed beside troupeConfig.cmake, for
# whoever uses an installed troupe.

# Makes CAF::core known. Sets `problem` to what is wrong and what to do about
# it, or to nothing.
macro(troupe_require_caf problem)
  set(${problem} "")
  if(NOT TARGET CAF::core)
    find_package(CAF QUIET COMPONENTS core)
  endif()
  if(NOT TARGET CAF::core)
    string(
      CONCAT
        ${problem}
        "troupe needs the C++ Actor Framework (CAF), 0.18.7 or 1.x, and CMake "
        "did not find it. If you have it, point CAF_ROOT or CMAKE_PREFIX_PATH "
        "to where it is installed. In a checkout of troupe, on Debian 12, "
        "scripts/bootstrap builds it, and "
        "CMAKE_PREFIX_PATH=\"$(scripts/bootstrap --print-prefixes debug)\" "
        "gives it to CMake.")
  elseif(NOT CAF_VERSION)
    message(WARNING "The CAF given to troupe does not say its version; troupe "
                    "needs 0.18.7 or 1.x")
  elseif(CAF_VERSION VERSION_LESS 0.18.7
         OR (CAF_VERSION VERSION_GREATER_EQUAL 0.19
             AND CAF_VERSION VERSION_LESS 1)
         OR CAF_VERSION VERSION_GREATER_EQUAL 2)
    string(
      CONCAT
        ${problem}
        "troupe needs CAF 0.18.7 or 1.x, but found ${CAF_VERSION} "
        "(${CAF_DIR}). Point CAF_ROOT or CMAKE_PREFIX_PATH to another one.")
  endif()
endmacro()
