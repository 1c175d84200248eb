# cmake -DSUITE=<program;arguments> [-DRED=<regex>] -P must_turn_red.cmake
# Runs a suite with its planted bug. Success is a test that failed by its own judgement: a crash, a time-out,
# or a program that fails for another reason does not count.
# RED is what such a test prints; without it the suite is GoogleTest's.
cmake_minimum_required(VERSION 3.25)
set(ENV{FEWBITS_PLANT_BUG} 1)
if(NOT DEFINED RED)
  set(RED "\\[  FAILED  \\]")
  list(APPEND SUITE --gtest_fail_fast --gtest_brief=1)
endif()
execute_process(COMMAND ${SUITE}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(LENGTH "${output}" length)
string(SUBSTRING "${output}" 0 3000 shown)
if(length GREATER 3000)
  string(APPEND shown "\n[...]")
endif()
message("${shown}")
if(NOT status EQUAL 1)
  message(FATAL_ERROR "The planted bug was not found: the suite ended with status ${status}, expected 1")
endif()
if(NOT output MATCHES "${RED}")
  message(FATAL_ERROR "The suite ended with status 1, but no test of it failed")
endif()
