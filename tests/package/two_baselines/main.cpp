// Calls the plain unit on any machine with AVX2, the wide one where the machine has AVX-512.
#include <cstddef>
#include <cstdio>

#include <fewbits/simd/isa.hpp>

int narrow(float* out, const float* a, const float* b, std::size_t count);
int wide(float* out, const float* a, const float* b, std::size_t count);

namespace {

bool right(int (*unit)(float*, const float*, const float*, std::size_t)) {
  constexpr std::size_t count = 1003;
  static float a[count], b[count], out[count];
  for (std::size_t i = 0; i < count; ++i) {
    a[i] = static_cast<float>(i % 17);
    b[i] = static_cast<float>(i % 11);
  }
  const int taken = unit(out, a, b, count);
  std::printf("took %s\n", fewbits::name_of(static_cast<fewbits::isa>(taken)).data());
  for (std::size_t i = 0; i < count; ++i)
    if (out[i] != a[i] * b[i] + a[i])
      return false;
  return taken == static_cast<int>(fewbits::active_isa());
}

}  // namespace

int main() {
  if (!fewbits::is_available(fewbits::isa::avx2)) {
    std::puts("SKIPPED: this machine lacks AVX2");
    return 0;
  }
  if (!right(narrow))
    return 1;
  if (fewbits::is_available(fewbits::isa::avx512) && !right(wide))
    return 2;
  std::puts("right");
  return 0;
}
