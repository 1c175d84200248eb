# cmake -DCXX= -DINCLUDE_DIR= -DSOURCE= -P must_not_compile.cmake
cmake_minimum_required(VERSION 3.25)
file(STRINGS ${SOURCE} first LIMIT_COUNT 1)
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${SOURCE} must begin with `// expect: <regex>`")
endif()
set(expected "${CMAKE_MATCH_1}")
# Mistakes are made in front of the reference: kernels would only take time.
set(compile ${CXX} -std=c++20 -fsyntax-only -DFEWBITS_NO_SIMD -I ${INCLUDE_DIR})

execute_process(COMMAND ${compile} -DCONTROL ${SOURCE} RESULT_VARIABLE status ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "with -DCONTROL the file is meant to compile")
endif()

execute_process(COMMAND ${compile} ${SOURCE} RESULT_VARIABLE status ERROR_VARIABLE output)
message("${output}")
if(status EQUAL 0)
  message(FATAL_ERROR "compiled, but was meant to fail with: ${expected}")
endif()
# A compiler may break a sentence into lines.
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(NOT output MATCHES "${expected}")
  message(FATAL_ERROR "failed, but without the sentence: ${expected}")
endif()
