# Options that lipcert's own code is compiled with; they do not reach users of the installed library.
add_library(lipcert_options INTERFACE)
target_compile_options(lipcert_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  # The error terms assume that a*b+c rounds as written, and that no identity of the reals is used.
  -fno-fast-math -ffp-contract=off)
if(LIPCERT_WERROR)
  target_compile_options(lipcert_options INTERFACE -Werror)
endif()
if(LIPCERT_SANITIZE)
  target_compile_options(lipcert_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lipcert_options INTERFACE -fsanitize=address,undefined)
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Where its folder cannot be written, ccache fails instead of compiling.
  file(WRITE ${PROJECT_BINARY_DIR}/ccache_check.cpp "int checked;\n")
  execute_process(
    COMMAND ${CCACHE_PROGRAM} ${CMAKE_CXX_COMPILER} -c ccache_check.cpp -o ccache_check.o
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR} RESULT_VARIABLE ccache_result OUTPUT_QUIET ERROR_QUIET)
  if(ccache_result EQUAL 0)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  else()
    message(STATUS "ccache is installed and does not work here: compiling without it")
  endif()
endif()
