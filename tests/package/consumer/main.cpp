// A user's program: numbers at compile time and at run time.
#include <fewbits/number.hpp>

namespace fb = fewbits;

constexpr fb::e4m3 x{0.3};
static_assert(static_cast<float>(x) == 0.3125f);
constexpr auto y = fb::convert<fb::e2m1>(x, fb::toward_zero, fb::saturate);
static_assert(static_cast<float>(y) == 0.0f);

float decoded_elsewhere(fb::e4m3 value);

int main(int argc, char**) {
  const fb::e4m3 at_run_time{0.3f * static_cast<float>(argc)};
  return decoded_elsewhere(at_run_time) == 0.3125f ? 0 : 1;
}
