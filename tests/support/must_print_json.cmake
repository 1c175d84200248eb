# cmake -DPROGRAM=<program;arguments> -P must_print_json.cmake
# Success is status 0 and one JSON value on standard output.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE status OUTPUT_VARIABLE output)
message("${output}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "ended with status ${status}")
endif()
string(JSON type ERROR_VARIABLE problem TYPE "${output}")
if(problem OR NOT type MATCHES "OBJECT|ARRAY")
  message(FATAL_ERROR "not JSON: ${problem}")
endif()
