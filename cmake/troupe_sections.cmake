# Has a program that links the library `target` contain only those functions
# that it may call: each lies in a section of its own, and the linker leaves out
# the others. `tests/size` says how much that is.
function(troupe_link_only_what_is_used target)
  if(NOT CMAKE_SYSTEM_NAME MATCHES "Linux|FreeBSD")
    return() # Other linkers have other words for it.
  endif()
  target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  if(NOT BUILD_SHARED_LIBS)
    target_link_options(${target} INTERFACE LINKER:--gc-sections)
    set(TROUPE_PC_SECTIONS " -Wl,--gc-sections" PARENT_SCOPE)
  endif()
endfunction()
