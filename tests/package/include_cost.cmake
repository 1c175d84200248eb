# cmake -DCXX=g++ -DINCLUDE_DIR=include -DHEADER=fewbits/number.hpp -P tests/package/include_cost.cmake
# Prints the user CPU time that including a header adds to an empty unit: median of 9, -O0 -fsyntax-only.
# A measurement: nothing fails because a machine is slow.
cmake_minimum_required(VERSION 3.25)
if(NOT RUNS)
  set(RUNS 9)
endif()
get_filename_component(INCLUDE_DIR "${INCLUDE_DIR}" ABSOLUTE)

# Median user milliseconds of compiling `text`. bash's own `times` shows what its children have used.
function(median_user_ms text result)
  set(samples)
  foreach(run RANGE 1 ${RUNS})
    execute_process(
      COMMAND bash -c "TIMEFORMAT=%3U; time printf '%s\\n' \"$3\" | \"$1\" -std=c++20 -O0 -fsyntax-only -I \"$2\" -x c++ -"
        measure ${CXX} ${INCLUDE_DIR} "${text}"
      RESULT_VARIABLE status ERROR_VARIABLE seconds)
    string(STRIP "${seconds}" seconds)
    if(NOT status EQUAL 0 OR NOT seconds MATCHES "^([0-9]+)[.,]([0-9][0-9][0-9])$")
      message(FATAL_ERROR "${CXX}: ${seconds}")
    endif()
    math(EXPR milliseconds "${CMAKE_MATCH_1} * 1000 + 1${CMAKE_MATCH_2} - 1000")
    list(APPEND samples ${milliseconds})
  endforeach()
  list(SORT samples COMPARE NATURAL)
  math(EXPR middle "${RUNS} / 2")
  list(GET samples ${middle} median)
  set(${result} ${median} PARENT_SCOPE)
endfunction()

median_user_ms("int unit;" empty)
median_user_ms("#include <${HEADER}>" full)
math(EXPR cost "${full} - ${empty}")
execute_process(COMMAND ${CXX} --version OUTPUT_VARIABLE compiler)
string(REGEX REPLACE "\n.*" "" compiler "${compiler}")
message("${compiler}")
message("#include <${HEADER}>: ${cost} ms of user CPU beyond an empty unit (${full} ms - ${empty} ms, median of ${RUNS})")
