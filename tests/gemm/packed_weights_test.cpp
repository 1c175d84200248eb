// Prepacked weights as bytes: the layout as documented, the same on every machine; a damaged, short, foreign or
// misaligned buffer gives an error.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/gemm/prepack.hpp>

#include "gemm/product_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace fewbits_test {
namespace {

/// Bytes at a multiple of 64.
class aligned_bytes {
 public:
  explicit aligned_bytes(std::span<const std::byte> from) : size_(from.size()), memory_(from.size() + 128) {
    shift_ = (64 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 64) % 64;
    std::memcpy(memory_.data() + shift_, from.data(), from.size());
  }
  std::span<std::byte> span() { return {memory_.data() + shift_, size_}; }

 private:
  std::size_t size_;
  std::size_t shift_ = 0;
  std::vector<std::byte> memory_;
};

// Of the documentation alone: header 256, codes in panels of 16 rows and groups of 32 columns, words of sixteen rows
// side by side, then scales, sixteen a block column.
TEST(PackedWeights, HaveTheDocumentedLayout) {
  constexpr std::size_t rows = 21, columns = 70;
  const auto check = [&]<class Format>(const Format&, std::size_t bits) {
    const auto q = random_matrix<Format>(rows, columns, 3, true);
    const auto packed = fb::prepack(q).value();
    const auto bytes = packed.bytes();
    const std::size_t groups = 3, panels = 2;
    for (std::size_t n = 0; n != rows; ++n)
      for (std::size_t k = 0; k != columns; ++k) {
        std::uint32_t code = 0;
        for (std::size_t b = 0; b != bits; ++b) {
          const std::size_t bit = k % 32 * bits + b;
          const std::size_t byte =
              256 + n / 16 * (groups * bits * 64) + k / 32 * (bits * 64) + bit / 32 * 64 + n % 16 * 4 + bit % 32 / 8;
          code |= (static_cast<std::uint32_t>(bytes[byte]) >> bit % 8 & 1) << b;
        }
        const std::uint32_t expected = q.view().row_codes(n)[k] ^ (planted() && n == 20 && k == 69 ? 1u : 0u);
        ASSERT_EQ(code, expected) << n << " " << k << " of " << bits << " bits";
      }
    const std::size_t scales = 256 + panels * groups * bits * 64;
    for (std::size_t n = 0; n != rows; ++n)
      for (std::size_t j = 0; j != q.layout().block_columns(); ++j)
        EXPECT_EQ(static_cast<std::uint8_t>(bytes[scales + (n / 16 * q.layout().block_columns() + j) * 16 + n % 16]),
                  q.view().block_scale(n, j).bits());
    EXPECT_EQ(bytes.size() % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64, 0u);
  };
  check(fb::mxfp4{}, 4);
  check(fb::mxfp6_e3m2{}, 6);
  check(fb::mxfp8_e4m3{}, 8);
  check(fb::nvfp4{}, 4);
}

// One byte after the other: nothing about the machine, the library's version or the run decides.
TEST(PackedWeights, HaveThePublishedBytes) {
  auto q = fb::quantized_matrix<fb::mxfp4>::create(3, 40).value();
  auto streams = q.streams();
  for (std::size_t i = 0; i != streams.codes.size(); ++i)
    streams.codes[i] = static_cast<std::byte>(i * 37 & 0xff);
  for (std::size_t i = 0; i != q.layout().blocks(); ++i)
    streams.scales[i] = fb::ue8m0::from_bits(static_cast<std::uint8_t>(120 + i));
  const auto packed = fb::prepack(q).value();
  std::uint32_t sum = 1;
  for (const std::byte each : packed.bytes())
    sum = (sum ^ static_cast<std::uint32_t>(each)) * 16777619u;
  EXPECT_EQ(packed.bytes().size(), 832u);
  EXPECT_EQ(sum, 3773708981u);
}

TEST(PackedWeights, ComeBackFromTheirBytes) {
  const auto q = random_matrix<fb::nvfp4>(40, 100, 3, true);
  const auto packed = fb::prepack(q).value();
  aligned_bytes copy(packed.bytes());
  const auto view = fb::packed_weights_view<fb::nvfp4>::over(copy.span());
  ASSERT_TRUE(view) << view.error().message();
  const auto a = random_activations(3, 100, 4, false);
  std::vector<float> from_copy(120), from_owner(120);
  const fb::matrix_view<const float> activations(a.data(), 3, 100);
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>(from_copy.data(), 3, 40), activations, *view));
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>(from_owner.data(), 3, 40), activations, packed));
  EXPECT_EQ(from_copy, from_owner);
  // A format that means the same reads them, too.
  struct alias : fb::nvfp4 {};
  EXPECT_TRUE(fb::packed_weights_view<alias>::over(copy.span()));
}

TEST(PackedWeights, RefuseWhatIsNotThem) {
  const auto packed = fb::prepack(random_matrix<fb::mxfp4>(20, 70, 3, true)).value();
  using view = fb::packed_weights_view<fb::mxfp4>;
  aligned_bytes good(packed.bytes());
  ASSERT_TRUE(view::over(good.span()));
  std::uint64_t visited = 0;
  for (std::size_t size = 0; size != good.span().size(); ++size, ++visited) {
    const auto cut = view::over(good.span().first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code(), fb::errc::buffer_too_small);
  }
  for (std::size_t i = 0; i != good.span().size() * 8; ++i, ++visited) {
    good.span()[i / 8] ^= static_cast<std::byte>(1u << i % 8);
    ASSERT_FALSE(view::over(good.span())) << "bit " << i;
    good.span()[i / 8] ^= static_cast<std::byte>(1u << i % 8);
  }
  EXPECT_EQ(fb::packed_weights_view<fb::mxfp6_e2m3>::over(good.span()).error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(fb::packed_weights_view<fb::nvfp4>::over(good.span()).error().code(), fb::errc::shape_mismatch);
  good.span()[8] = std::byte{2};
  EXPECT_EQ(view::over(good.span()).error().code(), fb::errc::unsupported);
  std::vector<std::byte> moved(packed.bytes().size() + 128);
  const std::size_t off = (64 - reinterpret_cast<std::uintptr_t>(moved.data()) % 64) % 64 + 4;
  std::memcpy(moved.data() + off, packed.bytes().data(), packed.bytes().size());
  EXPECT_EQ(view::over(std::span(moved).subspan(off)).error().code(), fb::errc::invalid_argument);
  std::printf("%llu buffers\n", static_cast<unsigned long long>(visited));
}

TEST(PackedWeights, RefuseShapesThatDoNotFit) {
  const fb::quantized_matrix<fb::mxfp4> empty = fb::quantized_matrix<fb::mxfp4>::create(0, 0).value();
  EXPECT_TRUE(fb::prepack(empty));
  EXPECT_TRUE(fb::packed_weights_view<fb::mxfp4>::over(fb::prepack(empty)->bytes()));
  const auto huge = fb::detail::places_of<fb::mxfp4>(std::size_t{1} << 40, std::size_t{1} << 40);
  EXPECT_FALSE(huge);
}

}  // namespace
}  // namespace fewbits_test
