// A name for files that no other run shares: ctest runs a suite and the same suite with its planted bug side by side.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

namespace fewbits_test {

/// `<temporary folder>/fewbits_<suite>_<process>_<name>`; nothing is created.
inline std::filesystem::path scratch_path(std::string_view suite, std::string_view name) {
#if defined(_WIN32)
  const int process = _getpid();
#else
  const int process = static_cast<int>(getpid());
#endif
  return std::filesystem::path(testing::TempDir()) /
         ("fewbits_" + std::string(suite) + "_" + std::to_string(process) + "_" + std::string(name));
}

/// The same for the test that runs, as a folder of its own.
inline std::filesystem::path scratch_path(std::string_view suite) {
  return scratch_path(suite, testing::UnitTest::GetInstance()->current_test_info()->name());
}

}  // namespace fewbits_test
