# Units that handle bounds or matrices do not compile under -ffast-math or a part of it, and do
# without. Usage: cmake -D ROOT=... -D COMPILER=... -D COMPILER_ID=... -D EIGEN=... -P strict_math.cmake
cmake_minimum_required(VERSION 3.25)
set(parts -ffast-math -Ofast -ffinite-math-only)
if(COMPILER_ID STREQUAL "GNU")  # clang 14 does not announce the others
  list(APPEND parts -freciprocal-math "-fassociative-math -fno-signed-zeros -fno-trapping-math"
       -funsafe-math-optimizations)
endif()

function(compile header flags result output)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  execute_process(
    COMMAND ${COMPILER} -std=c++20 ${flags} -I ${ROOT}/include -isystem ${EIGEN} -fsyntax-only -x c++
            ${ROOT}/include/lipcert/${header}
    RESULT_VARIABLE status ERROR_VARIABLE errors OUTPUT_QUIET)
  set(${result} ${status} PARENT_SCOPE)
  set(${output} "${errors}" PARENT_SCOPE)
endfunction()

foreach(header rounding/strict_math.hpp rounding/bound.hpp tensor/matrix.hpp)
  compile(${header} "-O2" status errors)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${header} does not compile: ${errors}")
  endif()
endforeach()
foreach(part IN LISTS parts)
  compile(rounding/strict_math.hpp "${part}" status errors)
  if(status EQUAL 0 OR NOT errors MATCHES "error bounds do not hold")
    message(SEND_ERROR "${part} is not refused: ${errors}")
  endif()
endforeach()
foreach(header rounding/bound.hpp tensor/matrix.hpp)
  compile(${header} "-ffast-math" status errors)
  if(status EQUAL 0 OR NOT errors MATCHES "error bounds do not hold")
    message(SEND_ERROR "${header} is not refused under -ffast-math: ${errors}")
  endif()
endforeach()
