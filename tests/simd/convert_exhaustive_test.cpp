// Every float32 into every element type that lanes write, by every instruction set: 2^32 inputs each.
// FEWBITS_SWEEP_STRIDE=97 takes every 97th float.
#include <cstdlib>

#include "simd/convert_lanes.hpp"

namespace fb = fewbits;

namespace {

std::uint64_t stride() {
  const char* const text = std::getenv("FEWBITS_SWEEP_STRIDE");
  const unsigned long value = text == nullptr ? 1 : std::strtoul(text, nullptr, 10);
  return value == 0 ? 1 : value;
}

template <class Element>
class EveryFloat : public ::testing::Test {};
using elements = ::testing::Types<fb::e4m3, fb::e5m2, fb::e2m1, fb::e2m3, fb::e3m2, fb::ue4m3, fb::bf16, fb::fp16,
                                  fb::int8, fb::uint8, fb::mxint8, fb::int4, fb::uint4, fb::int2, fb::ternary, fb::nf4,
                                  fb::e4m3fnuz, fb::e5m2fnuz, fb::e4m3b11fnuz, fb::e3m4, fb::e4m3_ieee, fb::ue5m3>;
TYPED_TEST_SUITE(EveryFloat, elements);

TYPED_TEST(EveryFloat, HasTheReferencesCode) {
  constexpr std::size_t piece = 1 << 16;
  std::vector<float> floats(piece);
  std::vector<TypeParam> kept(piece), open(piece), seen(piece);
  std::uint64_t visited = 0;
  for (std::uint64_t first = 0; first <= 0xffffffff;) {
    std::size_t count = 0;
    for (; count < piece && first <= 0xffffffff; ++count, first += stride())
      floats[count] = std::bit_cast<float>(static_cast<std::uint32_t>(first));
    for (std::size_t i = 0; i < count; ++i) {
      kept[i] = fb::convert<TypeParam>(floats[i]);
      open[i] = fb::convert<TypeParam>(floats[i], fb::no_saturate);
    }
    if (fewbits_test::planted())
      kept[0] = TypeParam::from_bits(static_cast<typename TypeParam::bits_type>(kept[0].bits() ^ 1));
    fewbits_test::on_every_isa([&](fb::isa which) {
      const std::span<const float> from(floats.data(), count);
      for (const bool saturates : {true, false}) {
        const auto& expected = saturates ? kept : open;
        ASSERT_TRUE(saturates ? fb::convert(from, std::span(seen.data(), count))
                              : fb::convert(from, std::span(seen.data(), count), fb::no_saturate));
        if (std::memcmp(seen.data(), expected.data(), count * sizeof(TypeParam)) != 0) {
          for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ(seen[i].bits(), expected[i].bits())
                << fb::name_of(which) << std::hex << " float " << std::bit_cast<std::uint32_t>(floats[i]);
        }
      }
    });
    ASSERT_FALSE(this->HasFailure());
    visited += count;
  }
  std::printf("%llu floats\n", static_cast<unsigned long long>(visited));
}

}  // namespace
