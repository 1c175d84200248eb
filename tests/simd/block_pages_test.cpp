// Quantising and decoding next to pages that nobody may touch: rows at every byte offset that their type allows, every
// tail to two blocks, streams that end where they must.
#include <cfenv>

#include "simd/block_lanes.hpp"
#include "simd/guarded.hpp"

namespace fb = fewbits;

namespace {

template <class Format>
void expect_no_byte_outside() {
  fewbits_test::lane_values random(5);
  fewbits_test::guarded_bytes values_page, codes_page, scales_page, zeros_page, out_page;
  using scale_type = typename Format::scale_type;
  constexpr bool has_zeros = !std::is_same_v<typename Format::zero_type, fb::no_zero_point>;
  std::uint64_t visited = 0;
  const std::size_t rows = 2, block = Format::shape.columns;
  for (std::size_t columns = 1; columns <= 2 * block + 1; ++columns) {
    const auto layout = fb::quantized_layout<Format>::unchecked(rows, columns);
    const auto numbers = random.matrix(rows * columns, static_cast<int>(columns % 4), block);
    for (const bool at_end : {false, true}) {
      const std::size_t offset = columns % 64;
      auto* const values = values_page.place<float>(rows * columns, offset, at_end);
      auto* const codes = codes_page.place<std::byte>(layout.code_bytes(), offset, at_end);
      auto* const scales = scales_page.place<scale_type>(layout.blocks(), offset, at_end);
      auto* const zeros =
          zeros_page.place<std::byte>(fb::detail::stream_bytes<typename Format::zero_type>(layout.blocks()), 0, at_end);
      auto* const out = out_page.place<float>(rows * columns, offset, at_end);
      if (values == nullptr || codes == nullptr || out == nullptr)
        continue;
      std::copy(numbers.begin(), numbers.end(), values);
      const fb::matrix_view<const float> view(values, rows, columns);
      const auto expected = [&] {
        const fb::isa_guard guard(fb::isa::scalar);
        return fb::quantize<Format>(view);
      }();
      ASSERT_TRUE(expected);
      fewbits_test::on_every_isa([&](fb::isa which) {
        std::fill(codes, codes + layout.code_bytes(), std::byte{});
        typename Format::tensor_scale_type tensor = Format::unit_tensor_scale();
        fb::parameter_view_out<typename Format::zero_type> zeros_out{};
        if constexpr (has_zeros)
          zeros_out = {zeros, layout.blocks()};
        const fb::quantized_streams_out<Format> streams{
            {codes, layout.code_bytes()}, {scales, layout.blocks()}, zeros_out, {}, tensor};
        ASSERT_TRUE(fb::detail::quantize_into<Format>(view, layout, streams,
                                                      fb::detail::choose_block_encoding<Format>(), nullptr));
        if (fewbits_test::planted())
          codes[0] ^= std::byte{1};
        ASSERT_TRUE(std::equal(codes, codes + layout.code_bytes(), expected->codes().begin()))
            << fb::name_of(which) << " columns " << columns;
        for (std::size_t b = 0; b < layout.blocks(); ++b)
          ASSERT_EQ(fb::source_code(scales[b]), fb::source_code(expected->scales()[b]));
        const auto from = fb::quantized_view<Format>::over(
            rows, columns, {{codes, layout.code_bytes()}, {scales, layout.blocks()}, zeros_out, {}, tensor});
        ASSERT_TRUE(from);
        ASSERT_TRUE(fb::dequantize(*from, fb::matrix_view<float>(out, rows, columns)));
        std::vector<float> decoded(columns);
        for (std::size_t r = 0; r < rows; ++r) {
          expected->view().decode(r, 0, decoded);
          for (std::size_t c = 0; c < columns; ++c, ++visited)
            ASSERT_EQ(std::bit_cast<std::uint32_t>(out[r * columns + c]), std::bit_cast<std::uint32_t>(decoded[c]))
                << fb::name_of(which) << " columns " << columns;
        }
      });
    }
  }
  std::printf("%llu values beside forbidden pages\n", static_cast<unsigned long long>(visited));
}

TEST(BlockPages, NoByteOutside) {
  expect_no_byte_outside<fb::mxfp4>();
  expect_no_byte_outside<fb::mxfp6_e2m3>();
  expect_no_byte_outside<fb::nvfp4>();
  expect_no_byte_outside<fb::int8_groups<32>>();
  expect_no_byte_outside<fb::uint4_groups<32, fb::fp16>>();
}

/// Other sources than float, and results that are written past the caches.
TEST(BlockPages, SourcesAndLargeResults) {
  fewbits_test::lane_values random(6);
  const auto floats = random.matrix(24 * 200, 0, 32);
  std::vector<fb::bf16> bf16s;
  std::vector<fb::fp16> fp16s;
  for (const float x : floats) {
    bf16s.push_back(fb::bf16(x));
    fp16s.push_back(fb::fp16(x));
  }
  bf16s[77] = fb::bf16::from_bits(0x7fc1);
  fp16s[99] = fb::fp16::from_bits(0xfc00);
  fewbits_test::lane_counts counts;
  fewbits_test::expect_same_blocks<fb::mxfp4>(fb::matrix_view<const fb::bf16>(bf16s.data(), 24, 200), counts, "bf16");
  fewbits_test::expect_same_blocks<fb::nvfp4>(fb::matrix_view<const fb::fp16>(fp16s.data(), 24, 200), counts, "fp16");
  fewbits_test::expect_same_blocks<fb::int4_groups<32>>(fb::matrix_view<const fb::bf16>(bf16s.data(), 200, 24, 24),
                                                        counts, "bf16");
  const std::size_t rows = 1100, columns = 4100;  // 18 MiB
  const auto many = random.matrix(rows * columns, 0, 32);
  fewbits_test::expect_same_blocks<fb::mxfp4>(fb::matrix_view<const float>(many.data(), rows, columns), counts,
                                              "large");
  std::printf("%llu values\n", static_cast<unsigned long long>(counts.values));
}

/// Kernels that round products ask how the thread rounds, and leave other modes to the reference.
TEST(BlockPages, RoundingModesDoNotMatter) {
  fewbits_test::lane_values random(8);
  const auto values = random.matrix(9 * 96, 0, 16);
  fewbits_test::lane_counts counts;
  const int before = std::fegetround();
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    fewbits_test::expect_same_blocks<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 9, 96), counts, "modes");
    fewbits_test::expect_same_blocks<fb::int8_groups<32>>(fb::matrix_view<const float>(values.data(), 9, 96), counts,
                                                          "modes");
    ASSERT_EQ(std::fesetround(before), 0);
  }
}

}  // namespace
