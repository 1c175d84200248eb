# cmake -DNVCC= -DCXX= -DINCLUDE_DIR= -DSOURCE= -DSCRATCH= -P nvcc.cmake: the types compile in device code.
cmake_minimum_required(VERSION 3.25)
if(NOT NVCC)
  message("SKIPPED: no nvcc on this machine")
  return()
endif()
file(MAKE_DIRECTORY ${SCRATCH})
execute_process(
  COMMAND ${NVCC} -std=c++20 --expt-relaxed-constexpr -Werror all-warnings -I ${INCLUDE_DIR} -c ${SOURCE} -o ${SCRATCH}/device.o
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "nvcc ended with status ${status}")
endif()
