// What main and the units have in common: nothing of the library.
#pragma once

#include <cstddef>

inline constexpr std::size_t rows = 7, outputs = 37, depth = 200;

struct work {
  const float* activations;  // [rows, depth]
  const float* weights;      // [outputs, depth]
  unsigned char* codes;      // [rows, depth]
  float* decoded;            // [outputs, depth]
  float* product;            // [rows, outputs]
  float* integer_product;    // [rows, outputs]
};

int narrow(const work& all);
int wide(const work& all);
int fast(const work& all);
