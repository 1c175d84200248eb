# cmake -DDOXYGEN= -DSOURCE_DIR= -DOUTPUT_DIR= [-DONLY_TEST=ON] -P doxygen.cmake
# The reference from docs/Doxyfile into OUTPUT_DIR/html. A warning is an error, where Doxygen is of the version that the
# comments are written for: each version has warnings of its own.
cmake_minimum_required(VERSION 3.25)
set(version)
if(DOXYGEN)
  execute_process(COMMAND ${DOXYGEN} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(ONLY_TEST AND NOT version MATCHES "^1[.]9[.]")
  message("SKIPPED: Doxygen 1.9 is not installed")
  return()
endif()
file(MAKE_DIRECTORY ${OUTPUT_DIR})
file(READ ${SOURCE_DIR}/docs/Doxyfile settings)
string(APPEND settings "\nOUTPUT_DIRECTORY = \"${OUTPUT_DIR}\"\n")
file(WRITE ${OUTPUT_DIR}/Doxyfile "${settings}")
execute_process(COMMAND ${DOXYGEN} ${OUTPUT_DIR}/Doxyfile WORKING_DIRECTORY ${SOURCE_DIR}
  RESULT_VARIABLE status ERROR_VARIABLE warnings)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "Doxygen ${version} ended with status ${status}:\n${warnings}")
endif()
file(GLOB pages ${OUTPUT_DIR}/html/*.html)
list(LENGTH pages count)
message("${count} pages in ${OUTPUT_DIR}/html")
