# What tests, examples and benchmarks share: the consumer's warnings, and GoogleTest and Google Benchmark
# from the system, from a source package, or by FetchContent. Users of the library never see this file.
option(FEWBITS_WARNINGS_AS_ERRORS "Make a warning in tests, examples and benchmarks an error" OFF)

set(FEWBITS_CONSUMER_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow)
if(MSVC)
  set(FEWBITS_CONSUMER_WARNINGS /W4 /permissive- /Zc:__cplusplus)
endif()

add_library(fewbits_developer INTERFACE)
target_link_libraries(fewbits_developer INTERFACE fewbits::fewbits)
target_compile_options(fewbits_developer INTERFACE ${FEWBITS_CONSUMER_WARNINGS}
  $<$<AND:$<BOOL:${FEWBITS_WARNINGS_AS_ERRORS}>,$<NOT:$<BOOL:${MSVC}>>>:-Werror>
  $<$<AND:$<BOOL:${FEWBITS_WARNINGS_AS_ERRORS}>,$<BOOL:${MSVC}>>:/WX>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: std::string's operator+ draws a false -Wrestrict. It is libstdc++'s own code, not fewbits'.
  target_compile_options(fewbits_developer INTERFACE -Wno-restrict)
endif()

# Debian's package `googletest` (a dependency of libgtest-dev) holds the sources: the only copy that a
# cross compiler can use without a network.
function(fewbits_need_googletest)
  if(NOT CMAKE_CROSSCOMPILING)
    find_package(GTest CONFIG QUIET GLOBAL)
  endif()
  if(TARGET GTest::gtest_main)
    return()
  endif()
  set(INSTALL_GTEST OFF)
  set(BUILD_GMOCK OFF)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  find_path(FEWBITS_GOOGLETEST_SOURCE googletest/src/gtest-all.cc PATH_SUFFIXES src/googletest NO_CMAKE_FIND_ROOT_PATH
    DOC "Sources of GoogleTest, used where no built library fits")
  if(FEWBITS_GOOGLETEST_SOURCE)
    add_subdirectory(${FEWBITS_GOOGLETEST_SOURCE} ${CMAKE_BINARY_DIR}/_googletest EXCLUDE_FROM_ALL SYSTEM)
  else()
    include(FetchContent)
    FetchContent_Declare(googletest SYSTEM
      GIT_REPOSITORY https://github.com/google/googletest.git GIT_TAG v1.14.0 GIT_SHALLOW ON)
    FetchContent_MakeAvailable(googletest)
  endif()
endfunction()

function(fewbits_need_benchmark)
  if(NOT CMAKE_CROSSCOMPILING)
    find_package(benchmark CONFIG QUIET GLOBAL)
  endif()
  if(TARGET benchmark::benchmark_main)
    return()
  endif()
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  include(FetchContent)
  FetchContent_Declare(benchmark SYSTEM
    GIT_REPOSITORY https://github.com/google/benchmark.git GIT_TAG v1.8.3 GIT_SHALLOW ON)
  FetchContent_MakeAvailable(benchmark)
endfunction()
