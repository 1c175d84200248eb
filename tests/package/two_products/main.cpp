// Holds the three units against each other: the plain one, by scalar code and by the instruction set in force, that of
// -ffast-math, and on a machine with AVX-512 the wide one.
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <fewbits/simd/isa.hpp>

#include "unit.hpp"

namespace {

struct outcome {
  int status;
  unsigned char codes[rows * depth];
  float decoded[outputs * depth];
  float product[rows * outputs];
  float integer_product[rows * outputs];
};
outcome of(int (*unit)(const work&)) {
  static float a[rows * depth], w[outputs * depth];
  unsigned state = 1;
  for (float* values : {a, w})
    for (std::size_t i = 0; i < (values == a ? rows : outputs) * depth; ++i) {
      state = state * 1664525u + 1013904223u;
      values[i] = (static_cast<float>(state >> 8) - 0x1p23f) * 0x1p-22f;
    }
  outcome made = {};
  made.status = unit({a, w, made.codes, made.decoded, made.product, made.integer_product});
  return made;
}

bool same(const outcome& made, const outcome& expected, bool has_integers) {
  return made.status == 0 && expected.status == 0 && std::memcmp(made.codes, expected.codes, sizeof made.codes) == 0 &&
         std::memcmp(made.decoded, expected.decoded, sizeof made.decoded) == 0 &&
         std::memcmp(made.product, expected.product, sizeof made.product) == 0 &&
         (!has_integers ||
          std::memcmp(made.integer_product, expected.integer_product, sizeof made.integer_product) == 0);
}

}  // namespace

int main() {
  if (!fewbits::is_available(fewbits::isa::avx2)) {
    std::puts("lacks AVX2");
    return 0;
  }
  const fewbits::isa taken = fewbits::active_isa();
  static const outcome by_kernels = of(narrow), by_fast_math = of(fast);
  if (!fewbits::force_isa(fewbits::isa::scalar))
    return 1;
  static const outcome expected = of(narrow);
  if (!same(by_kernels, expected, true))
    return 2;
  if (!same(by_fast_math, expected, false))
    return 3;
  if (fewbits::is_available(fewbits::isa::avx512)) {
    if (!fewbits::force_isa(taken))
      return 4;
    static const outcome by_wide = of(wide);
    if (!same(by_wide, expected, true))
      return 5;
  }
  std::printf("took %s, right\n", fewbits::name_of(taken).data());
  return 0;
}
