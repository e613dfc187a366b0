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
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
