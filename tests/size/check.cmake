# Says whether PROGRAM, without its symbols, is small enough: in bytes, on
# x86-64, in the release preset: 479,000 when this was written. It would have
# 533,000 if what is only for people to read were compiled for speed (see
# [[gnu::cold]]), and some 145,000 more if the linker kept what nobody calls.
set(limit 500000)
set(stripped ${PROGRAM}.stripped)
execute_process(COMMAND ${STRIP} -o ${stripped} ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${stripped} size)
file(REMOVE ${stripped})
if(size GREATER limit)
  message(FATAL_ERROR "the smallest program has ${size} bytes, and may have ${limit}: "
                      "does something that each program needs call the rest?")
endif()
message(STATUS "the smallest program has ${size} bytes of ${limit}")
