# cmake -DCXX=g++ [-DFLAGS=-O2] -P bench/compile_cost.cmake
# Prints the user CPU time of compiling bench/compile_cost.cpp: the least of 3. A measurement: nothing fails because a
# machine is slow.
cmake_minimum_required(VERSION 3.25)
if(NOT FLAGS)
  set(FLAGS -O2)
endif()
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
set(least)
foreach(run RANGE 1 3)
  # bash's own `times` shows what its children have used.
  execute_process(
    COMMAND bash -c "TIMEFORMAT=%3U; time \"$1\" -std=c++20 $2 -I \"$3/include\" -c \"$3/bench/compile_cost.cpp\" -o /dev/null"
      measure ${CXX} ${FLAGS} ${root}
    RESULT_VARIABLE status ERROR_VARIABLE seconds)
  string(STRIP "${seconds}" seconds)
  if(NOT status EQUAL 0 OR NOT seconds MATCHES "^([0-9]+)[.,]([0-9][0-9][0-9])$")
    message(FATAL_ERROR "${CXX}: ${seconds}")
  endif()
  math(EXPR milliseconds "${CMAKE_MATCH_1} * 1000 + 1${CMAKE_MATCH_2} - 1000")
  if(NOT least OR milliseconds LESS least)
    set(least ${milliseconds})
  endif()
endforeach()
execute_process(COMMAND ${CXX} --version OUTPUT_VARIABLE compiler)
string(REGEX REPLACE "\n.*" "" compiler "${compiler}")
message("${compiler}, ${FLAGS}: 12 products, ${least} ms of user CPU")
