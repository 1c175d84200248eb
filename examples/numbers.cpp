// One number: conversions at compile time and at run time, with the same bits.
#include <cstdio>

#include <fewbits/number.hpp>

namespace fb = fewbits;

// One rounding from the exact value of the double.
constexpr fb::e4m3 x{0.3};
static_assert(static_cast<float>(x) == 0.3125f);
static_assert(x.bits() == 0b0'0101'010);  // 1.25 x 2^(5 - 7)

// Rounding, overflow and NaN are arguments, in any order.
constexpr auto truncated = fb::convert<fb::e2m1>(x, fb::toward_zero, fb::saturate);
static_assert(static_cast<float>(truncated) == 0.0f);

// Constructors saturate; operators overflow as in any float type: e4m3 has no Inf, so it gives NaN.
constexpr fb::e4m3 largest{1e6};
static_assert(static_cast<float>(largest) == 448.0f);
static_assert(isnan(largest + largest));

// Systems differ; a preset reproduces one of them.
static_assert(isnan(fb::convert<fb::e4m3>(1e6, fb::no_saturate)));

int main() {
  // The same conversion at run time.
  volatile double at_run_time = 0.3;
  const fb::e4m3 y{static_cast<double>(at_run_time)};
  std::printf("e4m3(0.3) = %g, code %02x\n", static_cast<double>(static_cast<float>(y)), y.bits());
  return y.bits() == x.bits() ? 0 : 1;
}
