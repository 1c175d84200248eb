// A suite that cannot fail proves nothing. Each suite asks planted() at one place and spoils one expected
// value there; ctest runs it a second time with the bug planted, and that run must turn red.
#pragma once

#include <cstdlib>

namespace fewbits_test {

/// True where this run must fail: the environment variable FEWBITS_PLANT_BUG is set to anything but 0 or nothing.
inline bool planted() noexcept {
  static const char* const wish = std::getenv("FEWBITS_PLANT_BUG");
  return wish != nullptr && wish[0] != '\0' && !(wish[0] == '0' && wish[1] == '\0');
}

}  // namespace fewbits_test
