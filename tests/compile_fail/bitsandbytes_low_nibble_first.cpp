// expect: (could not convert|no viable conversion|no known conversion|cannot convert|invalid initialization)
#include <fewbits/interop/layouts/bitsandbytes.hpp>

namespace fb = fewbits;
#ifdef CONTROL
inline constexpr auto order = fb::bit_order::high_first;
#else
inline constexpr auto order = fb::bit_order::low_first;
#endif

auto read(std::span<const std::byte> bytes, std::span<const float> absmax) {
  return fb::view_bitsandbytes(4, 64, fb::packed_span<4, order>{bytes.data(), 256}, absmax);
}
