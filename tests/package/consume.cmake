# cmake -DWAY= -DSOURCE_DIR= -DBUILD_DIR= -DVERSION= -DSCRATCH= -DCXX= -DGENERATOR= -DFLAGS= -P consume.cmake
# Adds fewbits to the program in consumer/ in one of the ways the README names, builds it, runs it.
cmake_minimum_required(VERSION 3.25)
set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

function(run)
  list(JOIN ARGN " " line)
  message("$ ${line}")
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "ended with status ${status}")
  endif()
endfunction()

# Without CMake: the compiler, the warnings, the include path.
function(compile_and_run)
  run(${CXX} -std=c++20 -O1 ${FLAGS} ${ARGN} ${consumer}/main.cpp ${consumer}/second.cpp -o ${SCRATCH}/consumer)
  run(${SCRATCH}/consumer)
endfunction()

# With CMake: consumer/CMakeLists.txt finds the library `from` a place.
function(configure_build_run)
  list(JOIN FLAGS " " flags)
  run(${CMAKE_COMMAND} -S ${consumer} -B ${SCRATCH}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS=${flags}" -DCONSUMER_WAY=${WAY} -DCONSUMER_VERSION=${VERSION} ${ARGN})
  run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
  run(${SCRATCH}/build/consumer)
endfunction()

# Installs, then moves the tree: an installed package names no folder of the machine that made it.
function(install_and_move)
  run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${SCRATCH}/first)
  file(RENAME ${SCRATCH}/first ${SCRATCH}/prefix)
  file(GLOB_RECURSE texts ${SCRATCH}/prefix/share/*.cmake ${SCRATCH}/prefix/share/*.pc)
  foreach(text IN LISTS texts)
    file(READ ${text} content)
    foreach(place IN ITEMS ${SCRATCH} ${SOURCE_DIR})
      string(FIND "${content}" "${place}" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "${text} names ${place}")
      endif()
    endforeach()
  endforeach()
endfunction()

# What a release holds.
set(release CMakeLists.txt LICENSE cmake include)

if(WAY MATCHES "^copy")
  file(COPY ${SOURCE_DIR}/include DESTINATION ${SCRATCH})
  if(WAY STREQUAL "copy_bare")
    set(bare -fno-exceptions -fno-rtti)
  endif()
  compile_and_run(-I ${SCRATCH}/include ${bare})

elseif(WAY STREQUAL "add_subdirectory")
  configure_build_run(-DCONSUMER_SOURCE=${SOURCE_DIR})

elseif(WAY STREQUAL "fetch_content")
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf ${SCRATCH}/fewbits.tar.gz ${release}
    WORKING_DIRECTORY ${SOURCE_DIR} COMMAND_ERROR_IS_FATAL ANY)
  configure_build_run(-DCONSUMER_SOURCE=${SCRATCH}/fewbits.tar.gz)

elseif(WAY STREQUAL "find_package")
  install_and_move()
  configure_build_run(-DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)

elseif(WAY STREQUAL "pkg_config")
  find_program(PKG_CONFIG NAMES pkg-config pkgconf)
  if(NOT PKG_CONFIG)
    message("SKIPPED: no pkg-config on this machine")
    return()
  endif()
  install_and_move()
  set(ENV{PKG_CONFIG_PATH} ${SCRATCH}/prefix/share/pkgconfig)
  execute_process(COMMAND ${PKG_CONFIG} --cflags "fewbits = ${VERSION}"
    OUTPUT_VARIABLE cflags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(cflags UNIX_COMMAND "${cflags}")
  compile_and_run(${cflags})

else()
  message(FATAL_ERROR "no such way: ${WAY}")
endif()
