// An executor for products on tiles: what threads of a product leave behind is judged.
#pragma once

#include <cstddef>
#include <thread>

#include <gtest/gtest.h>

#include "simd/emulated_tiles.hpp"

namespace fewbits_test {

/// Threads of a product, which configure tiles each for itself.
struct two_threads {
  [[nodiscard]] static std::size_t concurrency() noexcept { return 2; }
  template <class Part>
  void parallel_for(std::size_t count, const Part& part) const {
    std::thread other([&] {
      for (std::size_t i = 1; i < count; i += 2)
        part(i);
      EXPECT_FALSE(tiles_here.is_configured());
    });
    for (std::size_t i = 0; i < count; i += 2)
      part(i);
    other.join();
  }
};

}  // namespace fewbits_test
