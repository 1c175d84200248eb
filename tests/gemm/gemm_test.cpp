// What surrounds a product's sums: options, types, strides, aliasing, errors, hostile floats, guard pages.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/thread_pool.hpp>
#include <fewbits/matrix/quantize.hpp>

#include "gemm/product_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace fewbits_test {
namespace {

using fb::matrix_view;

template <class T>
std::vector<T> converted(const std::vector<float>& from) {
  std::vector<T> made;
  for (const float x : from)
    made.push_back(T(x));
  return made;
}

// Out, activations and addend of three types, strided every way, with a bias, an addend and a function: each output is
// the model's, rounded once to its type.
template <class Out, class In, class Addend>
std::uint64_t expect_types() {
  std::uint64_t visited = 0;
  for (const shape& s : {shape{1, 19, 70}, shape{3, 40, 64}, shape{11, 35, 300}}) {
    const auto weights = random_matrix<fb::nvfp4>(s.columns, s.depth, 5, true);
    const auto packed = fb::prepack(weights);
    const auto in = converted<In>(random_activations(s.rows, 2 * s.depth + 3, 6, false));
    const auto biases = random_activations(1, s.columns, 7, false);
    const auto addends = converted<Addend>(random_activations(s.rows, s.columns, 8, false));
    for (const std::size_t in_step : {1u, 2u}) {
      const matrix_view<const In> a(in.data(), s.rows, s.depth, 2 * s.depth + 3, in_step);
      std::vector<float> sums;
      for (std::size_t m = 0; m != s.rows; ++m) {
        std::vector<float> row(s.depth);
        for (std::size_t k = 0; k != s.depth; ++k)
          row[k] = number_of(a(m, k));
        for (std::size_t n = 0; n != s.columns; ++n)
          sums.push_back(model_output(weights.view(), row, n, &biases[n]));
      }
      for (const std::size_t out_step : {1u, 3u})
        for (const bool transposed : {false, true}) {
          const matrix_view<const Addend> c =
              transposed ? matrix_view<const Addend>(addends.data(), s.rows, s.columns, 1, s.rows)
                         : matrix_view<const Addend>(addends.data(), s.rows, s.columns);
          const std::size_t row_step = s.columns * out_step + 5;
          std::vector<Out> out(s.rows * row_step, Out(9.0f));
          const matrix_view<Out> to(out.data(), s.rows, s.columns, row_step, out_step);
          on_every_isa([&](fb::isa each) {
            ASSERT_TRUE(fb::gemm(to, a, *packed, fb::bias(biases), fb::plus(c, 0.75f),
                                 fb::activation([](float x) noexcept { return x > 0 ? x : 0.125f * x; })));
            for (std::size_t m = 0; m != s.rows; ++m)
              for (std::size_t n = 0; n != s.columns; ++n, ++visited) {
                float value = std::fma(0.75f, number_of(c(m, n)), sums[m * s.columns + n]);
                value = value > 0 ? value : 0.125f * value;
                const Out expected = fb::make_number<Out>(fewbits::unpack(value));
                ASSERT_EQ(bits_of_float(number_of(to(m, n))), bits_of_float(number_of(expected)))
                    << fb::name_of(each) << " " << m << " " << n << " depth " << s.depth;
              }
            for (std::size_t i = 0; i != out.size(); ++i)
              if (i % row_step > (s.columns - 1) * out_step || i % row_step % out_step != 0) {
                ASSERT_EQ(number_of(out[i]), 9.0f) << "wrote between its elements";
              }
          });
        }
    }
  }
  return visited;
}

TEST(Gemm, TakesEveryTypeAndStrideAndRoundsOnce) {
  std::uint64_t visited = expect_types<float, float, float>();
  visited += expect_types<fb::bf16, fb::fp16, float>();
  visited += expect_types<fb::fp16, fb::bf16, fb::bf16>();
  std::printf("%llu outputs\n", static_cast<unsigned long long>(visited));
}

// The product of rounded activations is that of activations which a caller has rounded.
template <class To, class In>
std::uint64_t expect_rounded(fb::thread_pool& pool) {
  const std::size_t rows = 37, outputs = 35, depth = 300, stride = 2 * depth + 3;
  const auto weights = random_matrix<fb::mxfp4>(outputs, depth, 5, true);
  const auto packed = fb::prepack(weights);
  auto in = converted<In>(random_activations(rows, stride, 6, false));
  in[4 * stride] = In(std::numeric_limits<float>::infinity());
  in[5 * stride] = std::numeric_limits<In>::quiet_NaN();
  in[6 * stride] = std::numeric_limits<In>::max();  // Inf in a narrower type
  const std::vector<std::uint32_t> chosen{3, 36, 3, 0};
  std::uint64_t visited = 0;
  for (const std::size_t step : {1u, 2u}) {
    const matrix_view<const In> a(in.data(), rows, depth, stride, step);
    std::vector<To> rounded;
    for (std::size_t m = 0; m != rows; ++m)
      for (std::size_t k = 0; k != depth; ++k)
        rounded.push_back(fb::convert<To>(a(m, k), fb::no_saturate));
    on_every_isa([&](fb::isa which) {
      std::vector<float> seen(rows * outputs), expected(rows * outputs), in_order(rows * outputs);
      const matrix_view<const To> by_caller(rounded.data(), rows, depth);
      const matrix_view<float> out(seen.data(), rows, outputs);
      EXPECT_TRUE(fb::gemm(matrix_view<float>(expected.data(), rows, outputs), by_caller, *packed));
      EXPECT_TRUE(fb::gemm(matrix_view<float>(in_order.data(), rows, outputs), by_caller, *packed, fb::reproducible));
      if (planted())
        expected[0] += 1;
      const auto expect_same = [&](const float* model, std::size_t count, const char* what) {
        EXPECT_EQ(std::memcmp(seen.data(), model, count * sizeof(float)), 0) << what << " " << fb::name_of(which);
        std::fill(seen.begin(), seen.end(), -7.0f);
        visited += count;
      };
      EXPECT_TRUE(fb::gemm(out, a, *packed, fb::round_activations<To>));
      expect_same(expected.data(), seen.size(), "packed");
      EXPECT_TRUE(fb::gemm(out, a, weights, fb::round_activations<To>, fb::reproducible));
      expect_same(in_order.data(), seen.size(), "as stored");
      EXPECT_TRUE(fb::gemm(out, a, *packed, fb::on(pool), fb::round_activations<To>));
      expect_same(expected.data(), seen.size(), "on a pool");
      const fb::grouped_product<float, In, fb::mxfp4> some{matrix_view<float>(seen.data(), chosen.size(), outputs), a,
                                                           packed->view(), chosen};
      EXPECT_TRUE(fb::gemm_grouped(std::span(&some, 1), fb::round_activations<To>, fb::reproducible));
      std::vector<float> of_chosen;
      for (const std::uint32_t row : chosen)
        of_chosen.insert(of_chosen.end(), &in_order[row * outputs], &in_order[row * outputs] + outputs);
      expect_same(of_chosen.data(), of_chosen.size(), "grouped");
    });
  }
  return visited;
}
TEST(Gemm, RoundsActivationsWhenAsked) {
  auto pool = fb::thread_pool::create(2);
  ASSERT_TRUE(pool);
  std::uint64_t visited = expect_rounded<fb::bf16, float>(*pool);
  visited += expect_rounded<fb::fp16, float>(*pool);
  visited += expect_rounded<fb::bf16, fb::fp16>(*pool);
  visited += expect_rounded<fb::bf16, fb::bf16>(*pool);
  std::printf("%llu outputs of rounded activations\n", static_cast<unsigned long long>(visited));
}

TEST(Gemm, AddsToItsOwnOutput) {
  const auto weights = random_matrix<fb::mxfp4>(50, 96, 1, true);
  for (const std::size_t rows : {2u, 20u}) {
    const auto a = random_activations(rows, 96, 2, false);
    std::vector<float> out = random_activations(rows, 50, 3, false);
    const std::vector<float> before = out;
    const matrix_view<float> to(out.data(), rows, 50);
    ASSERT_TRUE(fb::gemm(to, matrix_view<const float>(a.data(), rows, 96), weights, fb::plus(to), fb::reproducible));
    for (std::size_t m = 0; m != rows; ++m)
      for (std::size_t n = 0; n != 50; ++n) {
        const float sum = model_output(weights.view(), std::span(a).subspan(m * 96, 96), n);
        EXPECT_EQ(out[m * 50 + n], sum + before[m * 50 + n]);
      }
  }
}

// A constant of the program as weights: the product of the same bits on the heap, prepacked or not.
TEST(Gemm, TakesConstantsOfFixedSize) {
  static constexpr auto weights = fb::quantize<fb::nvfp4, 3, 40>([] {
    std::array<float, 3 * 40> values{};
    for (std::size_t i = 0; i != values.size(); ++i)
      values[i] = static_cast<float>(i % 13) - 5.5f;
    return values;
  }());
  const auto a = random_activations(5, 40, 2, false);
  const auto biases = random_activations(1, 3, 7, false);
  const matrix_view<const float> activations(a.data(), 5, 40);
  on_every_isa([&](fb::isa each) {
    std::vector<float> stored(15), packed(15);
    ASSERT_TRUE(fb::gemm(matrix_view<float>(stored.data(), 5, 3), activations, weights, fb::bias(biases)));
    ASSERT_TRUE(
        fb::gemm(matrix_view<float>(packed.data(), 5, 3), activations, *fb::prepack(weights), fb::bias(biases)));
    for (std::size_t i = 0; i != 15; ++i) {
      const float expected = model_output(weights.view(), std::span(a).subspan(i / 3 * 40, 40), i % 3, &biases[i % 3]);
      EXPECT_EQ(bits_of_float(stored[i]), bits_of_float(expected)) << fb::name_of(each) << " " << i;
      EXPECT_EQ(bits_of_float(packed[i]), bits_of_float(expected)) << fb::name_of(each) << " " << i;
    }
    EXPECT_EQ(fb::gemm(matrix_view<float>(stored.data(), 5, 2), activations, weights).error().code(),
              fb::errc::shape_mismatch);
  });
}

// Rows alone, in fours, in one product of hundreds: the same bits, reproducibly.
TEST(Gemm, BitsDependOnNoOtherRow) {
  constexpr std::size_t rows = 600, columns = 40, depth = 130;
  const auto weights = fb::prepack(random_matrix<fb::int4_groups<64>>(columns, depth, 4, true)).value();
  const auto a = random_activations(rows, depth, 5, true);
  std::vector<float> all(rows * columns), some(rows * columns);
  auto pool = fb::thread_pool::create(4);
  ASSERT_TRUE(pool);
  on_every_isa([&](fb::isa each) {
    if (each == fb::isa::scalar)
      return;
    ASSERT_TRUE(fb::gemm(matrix_view<float>(all.data(), rows, columns), matrix_view<const float>(a.data(), rows, depth),
                         weights, fb::on(*pool), fb::reproducible));
    for (const std::size_t height : {1u, 2u, 3u, 5u, 14u, 31u, 200u}) {
      for (std::size_t m = 0; m < rows; m += height) {
        const std::size_t count = (std::min)(height, rows - m);
        ASSERT_TRUE(fb::gemm(matrix_view<float>(some.data() + m * columns, count, columns),
                             matrix_view<const float>(a.data() + m * depth, count, depth), weights, fb::reproducible));
      }
      ASSERT_EQ(std::memcmp(all.data(), some.data(), all.size() * sizeof(float)), 0)
          << fb::name_of(each) << " in pieces of " << height;
    }
  });
}

TEST(Gemm, InfAndNanStayInTheirRowAndPoisonInItsColumn) {
  constexpr std::size_t rows = 7, columns = 21, depth = 64;
  auto weights = random_matrix<fb::mxfp4>(columns, depth, 6, true);
  weights.streams().scales[2 * 3 + 1] = fb::ue8m0::from_bits(255);  // column 3
  for (const std::size_t count : {std::size_t{1}, std::size_t{4}, rows}) {
    auto a = random_activations(count, depth, 7, false);
    a[5] = std::bit_cast<float>(0x7f800000u);
    if (count > 2)
      a[2 * depth + 9] = std::bit_cast<float>(0xffc00001u);
    std::vector<float> out(count * columns);
    on_every_isa([&](fb::isa) {
      ASSERT_TRUE(fb::gemm(matrix_view<float>(out.data(), count, columns),
                           matrix_view<const float>(a.data(), count, depth), weights));
      for (std::size_t m = 0; m != count; ++m)
        for (std::size_t n = 0; n != columns; ++n) {
          const float x = out[m * columns + n];
          if (n == 3 || m == 2) {
            EXPECT_EQ(bits_of_float(x), 0x7fc00000u);
          } else if (m != 0) {
            EXPECT_TRUE(std::isfinite(x)) << m << " " << n;
          } else {
            EXPECT_FALSE(std::isfinite(x));
          }
        }
    });
  }
}

TEST(Gemm, ErrorsWriteNothing) {
  const auto weights = random_matrix<fb::nvfp4>(5, 40, 1, true);
  const auto packed = fb::prepack(weights).value();
  const std::vector<float> a(400, 1.0f);
  std::vector<float> out(400, 9.0f);
  const auto shape_of = [&](std::size_t m, std::size_t n, std::size_t rows, std::size_t depth, std::size_t biases,
                            std::size_t added) {
    const std::vector<float> bias(biases);
    return fb::gemm(matrix_view<float>(out.data(), m, n), matrix_view<const float>(a.data(), rows, depth), packed,
                    fb::bias(bias), fb::plus(matrix_view<const float>(a.data(), 4, added)));
  };
  EXPECT_TRUE(shape_of(4, 5, 4, 40, 5, 5));
  out.assign(400, 9.0f);
  for (const auto& bad : {shape_of(4, 5, 4, 39, 5, 5), shape_of(4, 5, 3, 40, 5, 5), shape_of(4, 6, 4, 40, 5, 5),
                          shape_of(5, 4, 4, 40, 5, 5), shape_of(4, 5, 4, 40, 4, 5), shape_of(4, 5, 4, 40, 5, 6)}) {
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), fb::errc::shape_mismatch);
  }
  for (const float x : out)
    EXPECT_EQ(x, 9.0f);
}

TEST(Gemm, ThreadsMayMultiplyAtOnceOnOnePool) {
  const auto weights = fb::prepack(random_matrix<fb::mxfp4>(100, 64, 1, true)).value();
  const auto a = random_activations(9, 64, 2, false);
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  std::vector<float> expected(900);
  ASSERT_TRUE(
      fb::gemm(matrix_view<float>(expected.data(), 9, 100), matrix_view<const float>(a.data(), 9, 64), weights));
  std::vector<std::vector<float>> outs(4, std::vector<float>(900));
  std::vector<std::thread> callers;
  for (auto& out : outs)
    callers.emplace_back([&] {
      for (int again = 0; again != 20; ++again)
        fb::gemm(matrix_view<float>(out.data(), 9, 100), matrix_view<const float>(a.data(), 9, 64), weights,
                 fb::on(*pool))
            .value();
    });
  for (std::thread& each : callers)
    each.join();
  for (const auto& out : outs)
    EXPECT_EQ(out, expected);
}

TEST(GemmGrouped, MultipliesEachExpertsRows) {
  const std::size_t columns = 33, depth = 80, tokens = 40;
  std::vector<fb::packed_weights<fb::mxfp4>> experts;
  for (std::uint64_t e = 0; e != 5; ++e)
    experts.push_back(fb::prepack(random_matrix<fb::mxfp4>(columns, depth, e, true)).value());
  const auto a = random_activations(tokens, depth, 9, false);
  const matrix_view<const float> all(a.data(), tokens, depth);
  std::vector<std::vector<std::uint32_t>> lists{{}, {3}, {0, 39, 7, 7}, {5, 6, 7, 8, 9, 10, 11}, {}};
  for (std::uint32_t t = 0; t != tokens; ++t)
    lists[4].push_back(tokens - 1 - t);
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  for (const bool threads : {false, true}) {
    std::vector<std::vector<float>> outs;
    std::vector<fb::grouped_product<float, float, fb::mxfp4>> group;
    for (std::size_t e = 0; e != 5; ++e)
      outs.emplace_back(lists[e].size() * columns, 5.0f);
    for (std::size_t e = 0; e != 5; ++e)
      group.push_back({matrix_view<float>(outs[e].data(), lists[e].size(), columns), all, experts[e].view(), lists[e]});
    const auto done = threads ? fb::gemm_grouped(std::span<const fb::grouped_product<float, float, fb::mxfp4>>(group),
                                                 fb::reproducible, fb::on(*pool))
                              : fb::gemm_grouped(std::span<const fb::grouped_product<float, float, fb::mxfp4>>(group),
                                                 fb::reproducible);
    ASSERT_TRUE(done);
    for (std::size_t e = 0; e != 5; ++e)
      for (std::size_t i = 0; i != lists[e].size(); ++i) {
        std::vector<float> alone(columns);
        ASSERT_TRUE(fb::gemm(matrix_view<float>(alone.data(), 1, columns),
                             matrix_view<const float>(a.data() + lists[e][i] * depth, 1, depth), experts[e]));
        EXPECT_EQ(std::memcmp(alone.data(), outs[e].data() + i * columns, columns * sizeof(float)), 0) << e << " " << i;
      }
    group[2].out = matrix_view<float>(outs[2].data(), 3, columns);
    EXPECT_FALSE(fb::gemm_grouped(std::span<const fb::grouped_product<float, float, fb::mxfp4>>(group)));
    group[2].out = matrix_view<float>(outs[2].data(), 4, columns);
    lists[2][1] = tokens;
    EXPECT_FALSE(fb::gemm_grouped(std::span<const fb::grouped_product<float, float, fb::mxfp4>>(group)));
    lists[2][1] = tokens - 1;
  }
}

#if defined(__linux__)
/// Bytes that end at a page which no one may touch, and begin after another.
class guarded {
 public:
  guarded(std::size_t size, std::size_t alignment, bool at_end)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    const std::size_t inner = (size + page_ - 1) / page_ * page_ + page_;
    whole_ = inner + 2 * page_;
    base_ = static_cast<std::byte*>(mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(static_cast<void*>(base_), MAP_FAILED);
    mprotect(base_, page_, PROT_NONE);
    mprotect(base_ + page_ + inner, page_, PROT_NONE);
    const std::size_t last = (inner - size) / alignment * alignment;
    data_ = base_ + page_ + (at_end ? last : 0);
  }
  guarded(const guarded&) = delete;
  ~guarded() { munmap(base_, whole_); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::size_t page_, whole_ = 0;
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
};

template <class Format, class T>
void expect_no_touch() {
  for (const bool at_end : {true, false})
    for (const shape& s : {shape{1, 17, 33}, shape{2, 16, 32}, shape{4, 31, 100}, shape{7, 33, 290}, shape{1, 1, 1}}) {
      const auto weights = random_matrix<Format>(s.columns, s.depth, 3, true);
      const auto packed = fb::prepack(weights).value();
      const auto values = random_activations(s.rows, s.depth, 4, false);
      const guarded in(s.rows * s.depth * sizeof(T), sizeof(T), at_end),
          out(s.rows * s.columns * sizeof(T), sizeof(T), at_end), bias(s.columns * sizeof(float), 4, at_end),
          stored(packed.bytes().size(), 64, at_end), codes(weights.codes().size(), 1, at_end);
      for (std::size_t i = 0; i != values.size(); ++i)
        in.as<T>()[i] = T(values[i]);
      std::memset(out.as<T>(), 0, s.rows * s.columns * sizeof(T));
      std::memset(bias.as<float>(), 0, s.columns * sizeof(float));
      std::memcpy(stored.as<std::byte>(), packed.bytes().data(), packed.bytes().size());
      std::memcpy(codes.as<std::byte>(), weights.codes().data(), weights.codes().size());
      const auto view = fb::packed_weights_view<Format>::over({stored.as<std::byte>(), packed.bytes().size()});
      ASSERT_TRUE(view) << view.error().message();
      auto streams = weights.view().streams();
      streams.codes = {codes.as<std::byte>(), weights.codes().size()};
      const fb::quantized_view<Format> as_stored(weights.layout(), streams);
      on_every_isa([&](fb::isa) {
        const matrix_view<T> to(out.as<T>(), s.rows, s.columns);
        const matrix_view<const T> from(in.as<T>(), s.rows, s.depth);
        const std::span<const float> biases(bias.as<float>(), s.columns);
        EXPECT_TRUE(fb::gemm(to, from, *view, fb::bias(biases), fb::plus(to)));
        EXPECT_TRUE(fb::gemm(to, from, as_stored, fb::bias(biases), fb::plus(to)));
      });
    }
}
TEST(Gemm, TouchesNothingBesideItsBuffers) {
  expect_no_touch<fb::nvfp4, float>();
  expect_no_touch<fb::mxfp6_e2m3, fb::bf16>();
}
#else
TEST(Gemm, TouchesNothingBesideItsBuffers) { GTEST_SKIP() << "guard pages are made for Linux"; }
#endif

}  // namespace
}  // namespace fewbits_test
