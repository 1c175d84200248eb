// Products of quantised activations and weights: the same bits as a plain model on every instruction set, executor and
// batching of rows, and near the product in double of what both sides decode to.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/gemm/quantized_gemm.hpp>
#include <fewbits/simd/isa.hpp>

#include "simd/isas.hpp"
#include "support/lean.hpp"
#include "support/planted.hpp"

namespace {

namespace fb = fewbits;

template <class Weights, class Activations>
struct pair {
  using weights = Weights;
  using activations = Activations;
};

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 bits(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(count);
  for (float& value : values)
    value = draw(bits);
  return values;
}

/// What the documentation promises, one output at a time.
template <class Weights, class Activations>
float model(const fb::quantized_view<Weights>& weights, const fb::quantized_view<Activations>& activations,
            std::size_t n, std::size_t m) {
  using meeting = fb::simd::integer_meeting<Weights, Activations>;
  const std::size_t columns = weights.columns();
  float result = 0.0f;
  for (std::size_t first = 0; first < columns; first += meeting::run_columns) {
    const std::size_t j = weights.layout().block_of_column(first);
    int zero = 0;
    if constexpr (Weights::has_zero_point)
      zero = static_cast<int>(weights.parameters_of(n, j).zero);
    int sum = 0, all = 0;
    for (std::size_t k = first; k < std::min(columns, first + meeting::run_columns); ++k) {
      const int w =
          fb::simd::integer_of<typename Weights::element_type>(weights.row_codes(n)[k], meeting::weights.steps);
      const int a = fb::simd::integer_of<typename Activations::element_type>(activations.row_codes(m)[k],
                                                                             meeting::activations.steps);
      sum += (w - zero) * a;
      all += a;
    }
    const auto unit = static_cast<float>(weights.block_scale(n, j));
    const float of_activations =
        meeting::has_row_units
            ? 1.0f
            : static_cast<float>(activations.block_scale(m, activations.layout().block_of_column(first)));
    result = std::fma(static_cast<float>(sum), unit * of_activations, result);
    if constexpr (Weights::has_minimum)
      result = std::fma(static_cast<float>(all) * of_activations, static_cast<float>(weights.parameters_of(n, j).zero),
                        result);
  }
  if (meeting::has_row_units)
    result *= static_cast<float>(activations.block_scale(m, 0));
  float factor = std::ldexp(1.0f, -meeting::weights.steps - meeting::activations.steps);
  if constexpr (Weights::has_tensor_scale)
    factor *= weights.tensor_scale();
  if constexpr (Activations::has_tensor_scale)
    factor *= activations.tensor_scale();
  return factor != 1.0f ? result * factor : result;
}

struct two_threads {
  [[nodiscard]] static std::size_t concurrency() noexcept { return 2; }
  template <class Part>
  void parallel_for(std::size_t count, const Part& part) const {
    std::thread other([&] {
      for (std::size_t i = 1; i < count; i += 2)
        part(i);
    });
    for (std::size_t i = 0; i < count; i += 2)
      part(i);
    other.join();
  }
};

template <class Pair>
class QuantizedGemm : public ::testing::Test {};
using pairs = fewbits_test::list_of<
    ::testing::Types, pair<fb::mxfp4, fb::mxfp4>, pair<fb::nvfp4, fb::nvfp4>,
    pair<fb::int4_groups<128>, fb::int8_rows<>>, pair<fb::int8_rows<>, fb::int8_rows<>>,
    pair<fb::uint4_groups<32>, fb::int8_groups<64>>, pair<fb::uint4_minimum_groups<32>, fb::int8_rows<>>,
    pair<fb::ternary_groups<64>, fb::mxint8_blocks>, pair<fb::binary_groups<32, fb::fp16>, fb::mxfp4>,
    pair<fb::mxfp6_e2m3, fb::mxfp6_e2m3>, pair<fb::mxfp6_e2m3, fb::int8_rows<>>, pair<fb::mxfp6_e2m3, fb::mxint8_blocks>>;
TYPED_TEST_SUITE(QuantizedGemm, pairs);

TYPED_TEST(QuantizedGemm, GivesTheModelsBitsEverywhere) {
  using weights_type = typename TypeParam::weights;
  using activations_type = typename TypeParam::activations;
  static_assert(fb::multiplies_integers<activations_type, weights_type>);
  two_threads threads;
  std::size_t visited = 0;
  const std::size_t shapes[][3] = {{1, 1, 1}, {1, 17, 96}, {3, 40, 333}, {5, 33, 31}, {30, 50, 260}, {13, 16, 1100}};
  for (const auto& [rows, outputs, depth] : shapes) {
    std::vector<float> w = normal(outputs * depth, 7), a = normal(rows * depth, 8);
    if (rows > 2)
      a[depth] = std::numeric_limits<float>::quiet_NaN();  // row 1
    if (outputs > 20)
      w[20 * depth + depth / 2] = std::numeric_limits<float>::infinity();
    const auto qw = *fb::quantize<weights_type>(fb::matrix_view<const float>{w.data(), outputs, depth});
    const auto qa = *fb::quantize<activations_type>(fb::matrix_view<const float>{a.data(), rows, depth});
    const auto packed = *fb::prepack(qw);
    std::vector<float> expected(rows * outputs);
    for (std::size_t m = 0; m < rows; ++m)
      for (std::size_t n = 0; n < outputs; ++n)
        expected[m * outputs + n] = model(qw.view(), qa.view(), n, m);
    if (fewbits_test::planted())
      expected[0] = std::nextafter(expected[0], 10.0f);
    for (const auto& [which, dots, name] : fewbits_test::integer_kernels_here()) {
      ASSERT_TRUE(fb::force_isa(which, dots));
      for (const int way : {0, 1, 2}) {
        std::vector<float> out(rows * outputs, -1.0f);
        const fb::matrix_view<float> to{out.data(), rows, outputs};
        const auto done =
            way == 0 ? fb::gemm(to, qa, packed)
            : way == 1
                ? fb::gemm(to, qa, packed, fb::on(threads), fb::reproducible)
                : fb::gemm(to, fb::quantized_as<activations_type>(fb::matrix_view<const float>{a.data(), rows, depth}),
                           packed);
        ASSERT_TRUE(done);
        for (std::size_t i = 0; i < out.size(); ++i, ++visited) {
          const bool both_nan = std::isnan(out[i]) && std::isnan(expected[i]);
          ASSERT_TRUE(both_nan || std::bit_cast<std::uint32_t>(out[i]) == std::bit_cast<std::uint32_t>(expected[i]))
              << name << ", way " << way << ", " << rows << " x " << outputs << " x " << depth << ", output " << i
              << ": expected " << expected[i] << ", got " << out[i];
        }
      }
    }
    fb::unforce_isa();
  }
  std::printf("%zu outputs\n", visited);
}

TYPED_TEST(QuantizedGemm, StaysWithinTheBoundOfTheProductOfWhatIsDecoded) {
  using weights_type = typename TypeParam::weights;
  using activations_type = typename TypeParam::activations;
  using meeting = fb::simd::integer_meeting<weights_type, activations_type>;
  const std::size_t rows = 6, outputs = 35, depth = 700;
  const std::vector<float> w = normal(outputs * depth, 1), a = normal(rows * depth, 2);
  const auto qw = *fb::quantize<weights_type>(fb::matrix_view<const float>{w.data(), outputs, depth});
  const auto qa = *fb::quantize<activations_type>(fb::matrix_view<const float>{a.data(), rows, depth});
  std::vector<float> dw(w.size()), da(a.size()), out(rows * outputs);
  ASSERT_TRUE(fb::dequantize(qw, fb::matrix_view<float>{dw.data(), outputs, depth}));
  ASSERT_TRUE(fb::dequantize(qa, fb::matrix_view<float>{da.data(), rows, depth}));
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, qa, *fb::prepack(qw)));
  // A rounding of the scales' product and one of the sum for each run, three at the end, and one for each value that
  // dequantising rounds, which the product itself does not.
  const double runs = static_cast<double>((depth - 1) / meeting::run_columns + 1);
  const double bound = (2 * runs + 6) * 0x1p-24;
  for (std::size_t m = 0; m < rows; ++m)
    for (std::size_t n = 0; n < outputs; ++n) {
      double sum = 0, magnitudes = 0;
      for (std::size_t k = 0; k < depth; ++k) {
        const double product = static_cast<double>(dw[n * depth + k]) * static_cast<double>(da[m * depth + k]);
        sum += product;
        magnitudes += std::abs(product);
        if constexpr (weights_type::has_minimum) {  // scale x element and the minimum are multiplied apart
          const auto minimum =
              static_cast<float>(qw.view().parameters_of(n, qw.view().layout().block_of_column(k)).zero);
          magnitudes += 2 * std::abs(static_cast<double>(minimum) * static_cast<double>(da[m * depth + k]));
        }
      }
      ASSERT_LE(std::abs(static_cast<double>(out[m * outputs + n]) - sum), bound * magnitudes) << m << ", " << n;
    }
}

TEST(QuantizedGemm, OtherElementsAreDequantisedFirst) {
  using format = fb::mxfp8_e4m3;
  static_assert(!fb::multiplies_integers<format, format>);
  const std::size_t rows = 7, outputs = 20, depth = 100;
  const std::vector<float> w = normal(outputs * depth, 3), a = normal(rows * depth, 4);
  const auto packed = *fb::prepack(*fb::quantize<format>(fb::matrix_view<const float>{w.data(), outputs, depth}));
  const auto qa = *fb::quantize<format>(fb::matrix_view<const float>{a.data(), rows, depth});
  std::vector<float> da(a.size()), expected(rows * outputs), out(rows * outputs);
  ASSERT_TRUE(fb::dequantize(qa, fb::matrix_view<float>{da.data(), rows, depth}));
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{expected.data(), rows, outputs},
                       fb::matrix_view<const float>{da.data(), rows, depth}, packed));
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, qa, packed));
  EXPECT_EQ(out, expected);
}

// Either side on the heap, as a constant of fixed size, or borrowed: the same product.
TEST(QuantizedGemm, TakesEveryOwnerAndView) {
  static constexpr auto ramp = [] {
    std::array<float, 4 * 48> values{};
    for (std::size_t i = 0; i != values.size(); ++i)
      values[i] = static_cast<float>(i % 29) - 13.0f;
    return values;
  }();
  const auto same_everywhere = [&]<class Format>(const Format&) {
    static constexpr auto constant = fb::quantize<Format, 4, 48>(ramp);
    const auto heap = *fb::quantize<Format>(fb::matrix_view<const float>{ramp.data(), 4, 48});
    const auto packed = *fb::prepack(heap), packed_constant = *fb::prepack(constant);
    std::vector<float> expected(16), out(16);
    const fb::matrix_view<float> to{out.data(), 4, 4};
    ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{expected.data(), 4, 4}, heap, packed));
    const auto expect = [&](const auto& activations) {
      for (const auto& weights : {&packed, &packed_constant}) {
        out.assign(16, -1.0f);
        ASSERT_TRUE(fb::gemm(to, activations, *weights));
        EXPECT_EQ(out, expected);
        out.assign(16, -1.0f);
        ASSERT_TRUE(fb::gemm(to, activations, weights->view(), fb::reproducible));
        EXPECT_EQ(out, expected);
      }
    };
    expect(heap);
    expect(heap.view());
    expect(constant);
    expect(constant.view());
    const fb::matrix_view<float> narrow{out.data(), 4, 3};
    EXPECT_EQ(fb::gemm(narrow, constant, packed).error().code(), fb::errc::shape_mismatch);
  };
  same_everywhere(fb::int8_rows<>{});  // products of integers
  same_everywhere(fb::mxfp8_e4m3{});   // dequantised first
}

TEST(QuantizedGemm, TheLowestIntegerOfActivationsIsCountedEverywhere) {
  using format = fb::int8_rows<>;
  const std::size_t rows = 5, outputs = 18, depth = 64;
  auto qw = *fb::quantize<format>(fb::matrix_view<const float>{normal(outputs * depth, 5).data(), outputs, depth});
  auto qa = *fb::quantize<format>(fb::matrix_view<const float>{normal(rows * depth, 6).data(), rows, depth});
  for (std::size_t i = 0; i < qa.streams().codes.size(); i += 3)
    qa.streams().codes[i] = std::byte{0x80};
  for (std::byte& code : qw.streams().codes)
    code = (static_cast<unsigned>(code) & 1) != 0 ? std::byte{0x80} : std::byte{0x7f};
  const auto packed = *fb::prepack(qw);
  for (const auto& [which, dots, name] : fewbits_test::integer_kernels_here()) {
    ASSERT_TRUE(fb::force_isa(which, dots));
    std::vector<float> out(rows * outputs);
    ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, qa, packed));
    for (std::size_t m = 0; m < rows; ++m)
      for (std::size_t n = 0; n < outputs; ++n)
        ASSERT_EQ(out[m * outputs + n], model(qw.view(), qa.view(), n, m)) << name;
  }
  fb::unforce_isa();
}

TEST(QuantizedGemm, EightBytesAtATimeHaveTheSumAndTheLowestOfOneByOne) {
  std::mt19937 bits(11);
  std::size_t visited = 0;
  for (std::size_t count = 8; count <= 256; count += 8)
    for (const int kind : {0, 1, 2, 3, 4}) {
      std::vector<std::int8_t> bytes(count);
      for (std::int8_t& each : bytes)
        each = static_cast<std::int8_t>(kind == 0 ? -128 : kind == 1 ? 127 : kind == 2 ? -127 : static_cast<int>(bits() % 255) - 127);
      if (kind == 4)
        bytes[bits() % count] = -128;
      int sum = 0;
      for (const std::int8_t each : bytes)
        sum += each;
      EXPECT_EQ(fb::detail::byte_sums::of(bytes.data(), count), sum) << count << " bytes, kind " << kind;
      EXPECT_EQ(fb::detail::byte_sums::has_lowest(bytes.data(), count), kind == 0 || kind == 4) << count << ", " << kind;
      ++visited;
    }
  std::printf("%zu sums\n", visited);
}

TEST(QuantizedGemm, EveryCodeOfSixBitsCountsAtEveryColumn) {
  const std::size_t rows = 3, outputs = 64, depth = 32;
  auto qw = *fb::quantize<fb::mxfp6_e2m3>(
      fb::matrix_view<const float>{normal(outputs * depth, 9).data(), outputs, depth});
  for (std::size_t n = 0; n < outputs; ++n)
    for (std::size_t k = 0; k < depth; k += 4) {
      unsigned four = 0;
      for (std::size_t i = 0; i != 4; ++i)
        four |= static_cast<unsigned>((n + k + i) % 64) << (6 * i);
      for (std::size_t byte = 0; byte != 3; ++byte)
        qw.streams().codes[(n * depth + k) / 4 * 3 + byte] = static_cast<std::byte>(four >> (8 * byte) & 255);
    }
  const auto qa = *fb::quantize<fb::int8_rows<>>(
      fb::matrix_view<const float>{normal(rows * depth, 10).data(), rows, depth});
  const auto packed = *fb::prepack(qw);
  for (std::size_t n = 0; n < outputs; ++n)
    ASSERT_EQ(qw.view().row_codes(n)[5], (n + 5) % 64);
  for (const auto& [which, dots, name] : fewbits_test::integer_kernels_here()) {
    ASSERT_TRUE(fb::force_isa(which, dots));
    std::vector<float> out(rows * outputs);
    ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, qa, packed));
    for (std::size_t m = 0; m < rows; ++m)
      for (std::size_t n = 0; n < outputs; ++n)
        ASSERT_EQ(out[m * outputs + n], model(qw.view(), qa.view(), n, m)) << name << ", " << m << ", " << n;
  }
  fb::unforce_isa();
}

// Pairs of products that are added up in 16 bits have no room for 128 x 128 twice; everything else has.
TEST(QuantizedGemm, OnlyPairsInSixteenBitsLeaveTheLowestIntegerToScalarCode) {
  using format = fb::int8_rows<>;
  for (const auto& [which, dots, name] : fewbits_test::integer_kernels_here()) {
    ASSERT_TRUE(fb::force_isa(which, dots));
    const auto calls = fb::simd::integer_calls_of<format, 1, fb::simd::run_scaling::by_weights, float, float>(which, fb::takes_dot_products());
    EXPECT_EQ(calls.kernel.takes_lowest, which != fb::isa::avx2 || fb::takes_dot_products()) << name;
  }
  fb::unforce_isa();
}

// Named kernels would pass unnoticed if all names led to one of them.
TEST(QuantizedGemm, WithAndWithoutDotProductsAreDifferentKernels) {
  for (const fb::isa which : {fb::isa::avx2, fb::isa::neon}) {
    const auto kernel_of = [which](bool with_dots) {
      constexpr auto scaling = fb::simd::run_scaling::by_weights;
      return fb::simd::integer_calls_of<fb::int8_rows<>, 1, scaling, float, float>(which, with_dots).kernel.multiply;
    };
    if (!fb::is_available(which) || !fb::has_dot_products(which))
      std::printf("skipped: %s with dot products\n", fb::name_of(which).data());
    else
      EXPECT_NE(kernel_of(true), kernel_of(false)) << fb::name_of(which);
  }
}

TEST(QuantizedGemm, ShapesThatDisagreeAreRefused) {
  using format = fb::int8_rows<>;
  const std::vector<float> values(64 * 3, 1.0f);
  const auto three = *fb::quantize<format>(fb::matrix_view<const float>{values.data(), 3, 64});
  const auto packed = *fb::prepack(three);
  std::vector<float> out(3 * 3, 5.0f);
  const auto done = fb::gemm(fb::matrix_view<float>{out.data(), 3, 2}, three, packed);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(out, std::vector<float>(9, 5.0f));
  const auto short_rows = *fb::quantize<format>(fb::matrix_view<const float>{values.data(), 3, 63});
  EXPECT_FALSE(fb::gemm(fb::matrix_view<float>{out.data(), 3, 3}, short_rows, packed));
}

}  // namespace
