// The order of a product as docs/gemm/gemm.md states it, in plain loops over a quantised matrix; and matrices of random
// bits to try it on. Nothing here knows of panels, lanes or threads.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/thread_pool.hpp>

#include "support/planted.hpp"

// The model is the same under every flag: order, NaN and all.
#if defined(__FAST_MATH__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("no-fast-math")
#endif

namespace fewbits_test {

namespace fb = fewbits;

template <class T>
float number_of(const T& x) {
  using fewbits::unpack;  // of native numbers; those of the library have their own
  return fb::pack_native<float>(unpack(x));
}
inline std::uint32_t bits_of_float(float x) { return std::bit_cast<std::uint32_t>(x); }
// By bits: to <cmath>'s own functions -ffast-math says that there is no NaN.
inline float nan_or(float x) {
  return (bits_of_float(x) & 0x7fffffffu) > 0x7f800000u ? std::bit_cast<float>(0x7fc00000u) : x;
}
inline bool is_finite(float x) { return (bits_of_float(x) & 0x7f800000u) != 0x7f800000u; }
inline bool is_finite(double x) { return (std::bit_cast<std::uint64_t>(x) >> 52 & 0x7ff) != 0x7ff; }

template <class Format>
float element_of(const fb::quantized_view<Format>& q, std::size_t n, std::size_t k, std::size_t i, std::size_t j) {
  using element = typename Format::element_type;
  std::uint32_t code = q.row_codes(n)[k];
  const auto parameters = q.parameters_of(i, j);
  if constexpr (Format::has_shapes)
    code |= static_cast<std::uint32_t>(parameters.zero.bits()) << Format::element_bits;
  const float x = number_of(element::from_bits(static_cast<typename element::bits_type>(code)));
  if constexpr (Format::has_zero_point)
    return x - number_of(parameters.zero);
  else
    return x;
}

struct sums {
  float result;
  double exact;      ///< where everything is finite
  double magnitude;  ///< the sum of |a x weight|
  std::size_t runs;
};
/// One output before tensor scale, bias and all that.
template <class Format>
sums model_sum(const fb::quantized_view<Format>& q, std::span<const float> a, std::size_t n) {
  const std::size_t depth = q.columns();
  const std::size_t width = Format::shape.columns == fb::whole ? depth : Format::shape.columns;
  const std::size_t i = q.layout().block_of_row(n);
  sums made{0, 0, 0, 0};
  for (std::size_t j = 0; j * width < depth; ++j) {
    const auto parameters = q.parameters_of(i, j);
    float unit = number_of(parameters.scale);
    float offset = 0;
    if constexpr (Format::has_super_scale) {
      const auto super = q.supers()[i * q.layout().super_columns() + j / Format::super_count];
      if constexpr (Format::has_tensor_offset)
        unit = std::fma(unit, number_of(super.scale), q.tensor_scale());
      else
        unit *= number_of(super.scale);
      if constexpr (Format::has_super_minimum)
        offset = -(number_of(parameters.zero) * number_of(super.minimum));
    }
    if constexpr (Format::has_minimum && !Format::has_super_minimum)
      offset = number_of(parameters.zero);
    const std::size_t end = (std::min)((j + 1) * width, depth);
    for (std::size_t first = j * width; first < end; first += 32) {
      float sum = 0;
      float all = 0;
      for (std::size_t k = first; k != (std::min)(first + 32, end); ++k) {
        const float w = element_of(q, n, k, i, j);
        sum = std::fma(a[k], w, sum);
        all += a[k];
        const double weight = static_cast<double>(w) * static_cast<double>(unit) + static_cast<double>(offset);
        made.exact += static_cast<double>(a[k]) * weight;
        made.magnitude +=
            std::fabs(static_cast<double>(a[k])) *
            (std::fabs(static_cast<double>(w) * static_cast<double>(unit)) + std::fabs(static_cast<double>(offset)));
      }
      made.result = std::fma(sum, unit, made.result);
      if constexpr (Format::has_minimum)
        made.result = std::fma(all, offset, made.result);
      ++made.runs;
    }
  }
  if (planted())
    made.result = std::bit_cast<float>(bits_of_float(made.result) ^ (made.runs > 2 ? 1u : 0u));
  return made;
}
/// The output, before it is rounded to its type.
template <class Format>
float model_output(const fb::quantized_view<Format>& q, std::span<const float> a, std::size_t n,
                   const float* bias = nullptr) {
  const fb::simd::default_float_environment environment;
  float value = model_sum(q, a, n).result;
  if constexpr (Format::has_tensor_scale)
    value = bias != nullptr ? std::fma(value, q.tensor_scale(), *bias) : value * q.tensor_scale();
  else if (bias != nullptr)
    value += *bias;
  return nan_or(value);
}

/// A matrix of random bits: every code, every scale, NaN and all. `tame`: finite elements, and parameters between 1/2
/// and 2.
template <class Format>
fb::quantized_matrix<Format> random_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed, bool tame) {
  std::mt19937_64 random(seed);
  auto made = fb::quantized_matrix<Format>::create(rows, columns).value();
  auto streams = made.streams();
  for (std::byte& each : streams.codes)
    do
      each = static_cast<std::byte>(random() & 0xff);
    while (tame && Format::element_bits == 8 &&
           !is_finite(number_of(Format::element_type::from_bits(static_cast<std::uint8_t>(each)))));
  const auto number = [&]<class T>(const T&) {
    if (tame)
      return fb::make_number<T>(fb::unpack(static_cast<float>(random() % 1024) / 512.0f + 0.5f));
    if constexpr (std::is_same_v<T, float>)
      return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    else
      return T::from_bits(static_cast<typename T::bits_type>(random()));
  };
  for (std::size_t b = 0; b != made.layout().blocks(); ++b) {
    fb::store_parameter(streams.scales, b, number(typename Format::scale_type{}));
    if constexpr (!std::is_same_v<typename Format::zero_type, fb::no_zero_point>)
      fb::store_parameter(streams.zeros, b, number(typename Format::zero_type{}));
  }
  if constexpr (Format::has_super_scale)
    for (std::size_t s = 0; s != made.layout().super_blocks(); ++s) {
      typename Format::super_type super{};
      super.scale = number(super.scale);
      if constexpr (Format::has_super_minimum)
        super.minimum = number(super.minimum);
      fb::store_parameter(streams.supers, s, super);
    }
  if constexpr (!std::is_same_v<typename Format::tensor_scale_type, fb::no_tensor_scale>)
    streams.tensor_scale = 0.37f;
  return made;
}

/// Activations: normal ones; with hostile rows also subnormal, huge, cancelling, zero, Inf and NaN.
inline std::vector<float> random_activations(std::size_t rows, std::size_t columns, std::uint64_t seed, bool hostile) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> made(rows * columns);
  for (std::size_t r = 0; r != rows; ++r)
    for (std::size_t k = 0; k != columns; ++k) {
      float& x = made[r * columns + k];
      x = normal(random);
      if (!hostile)
        continue;
      switch (r % 8) {
        case 1: x = std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0x807fffffu); break;  // subnormal
        case 2: x *= 1e37f; break;
        case 3: x = (k % 2 == 0 ? 1.0f : -1.0f) * 1e20f + x; break;
        case 4: x = k % 7 == 3 ? x : (k % 2 == 0 ? 0.0f : -0.0f); break;
        case 5: x = k == columns / 2 ? std::bit_cast<float>(0x7f800000u) : x; break;
        case 6: x = k == columns / 3 ? std::bit_cast<float>(0x7fc12345u) : x; break;
        case 7: x = std::bit_cast<float>(static_cast<std::uint32_t>(random())); break;
        default: break;
      }
    }
  return made;
}

/// Runs `body` with each instruction set that this machine has, and says which.
template <class Body>
void on_every_isa(const Body& body) {
  for (const fb::isa each : fb::every_isa) {
    const fb::isa_guard guard(each);
    if (guard.forced())
      body(each);
  }
}
inline void say_which_isas() {
  std::printf("instruction sets:");
  for (const fb::isa each : fb::every_isa)
    std::printf(" %s%s", fb::is_available(each) ? "" : "not ", fb::name_of(each).data());
  std::printf("\n");
}

struct shape {
  std::size_t rows, columns, depth;
};
inline constexpr shape model_shapes[] = {{1, 1, 1},    {1, 33, 100}, {2, 16, 64},  {3, 47, 95},
                                         {4, 18, 33},  {5, 20, 70},  {9, 34, 291}, {16, 16, 31},
                                         {29, 50, 40}, {1, 40, 0},   {6, 7, 0}};

/// Every output of prepacked and stored weights, on every instruction set, serial and in a pool, against the model.
template <class Format>
void expect_model_bits() {
  auto pool = fb::thread_pool::create(3);
  ASSERT_TRUE(pool);
  std::uint64_t visited = 0;
  for (const bool tame : {true, false})
    for (const shape& s : model_shapes) {
      const auto seed = static_cast<std::uint64_t>(s.rows * 1000 + s.columns);
      const auto weights = random_matrix<Format>(s.columns, s.depth, seed, tame);
      const auto packed = fb::prepack(weights);
      ASSERT_TRUE(packed);
      const std::vector<float> a = random_activations(s.rows, s.depth, seed + 1, !tame);
      std::vector<float> expected(s.rows * s.columns);
      for (std::size_t m = 0; m != s.rows; ++m)
        for (std::size_t n = 0; n != s.columns; ++n)
          expected[m * s.columns + n] = model_output(weights.view(), std::span(a).subspan(m * s.depth, s.depth), n);
      const fb::matrix_view<const float> activations(a.data(), s.rows, s.depth);
      on_every_isa([&](fb::isa each) {
        for (int way = 0; way != 4; ++way) {
          std::vector<float> out(s.rows * s.columns, 5.0f);
          const fb::matrix_view<float> to(out.data(), s.rows, s.columns);
          const auto done = way == 0   ? fb::gemm(to, activations, *packed, fb::reproducible)
                            : way == 1 ? fb::gemm(to, activations, weights)
                            : way == 2 ? fb::gemm(to, activations, *packed, fb::on(*pool))
                                       : fb::gemm(to, activations, weights, fb::on(*pool), fb::reproducible);
          ASSERT_TRUE(done);
          if (each == fb::isa::amx && s.rows >= 16 && (way == 1 || way == 2))
            continue;  // faithful on tiles has its bound: gemm.amx_float_product
          for (std::size_t o = 0; o != out.size(); ++o, ++visited)
            ASSERT_EQ(bits_of_float(out[o]), bits_of_float(expected[o]))
                << fb::name_of(each) << " way " << way << " tame " << tame << ": " << s.rows << " x " << s.columns
                << " x " << s.depth << ", output " << o / s.columns << " " << o % s.columns << ": " << out[o] << " for "
                << expected[o] << ", seed " << seed;
        }
      });
    }
  std::printf("%llu outputs\n", static_cast<unsigned long long>(visited));
}

/// The stated bound against double precision.
template <class Format>
void expect_bound() {
  std::uint64_t visited = 0;
  double worst = 0;
  for (const shape& s : {shape{2, 40, 1000}, shape{7, 20, 517}, shape{18, 20, 300}}) {
    const auto weights = random_matrix<Format>(s.columns, s.depth, 77, true);
    const std::vector<float> a = random_activations(s.rows, s.depth, 78, false);
    std::vector<float> out(s.rows * s.columns);
    fb::gemm(fb::matrix_view<float>(out.data(), s.rows, s.columns),
             fb::matrix_view<const float>(a.data(), s.rows, s.depth), weights)
        .value();
    for (std::size_t m = 0; m != s.rows; ++m)
      for (std::size_t n = 0; n != s.columns; ++n, ++visited) {
        const fb::simd::default_float_environment environment;
        const sums model = model_sum(weights.view(), std::span(a).subspan(m * s.depth, s.depth), n);
        if (!is_finite(model.exact))
          continue;  // a row of weights with Inf or NaN among its codes
        double exact = model.exact;
        double magnitude = model.magnitude;
        if constexpr (Format::has_tensor_scale) {
          exact *= static_cast<double>(weights.tensor_scale());
          magnitude *= static_cast<double>(weights.tensor_scale());
        }
        const double terms = 35.0 + (Format::has_minimum ? 2.0 : 1.0) * static_cast<double>(model.runs);
        const double bound = 1.001 * terms * std::ldexp(magnitude, -24);
        const double error = std::fabs(static_cast<double>(out[m * s.columns + n]) - exact);
        worst = (std::max)(worst, error / bound);
        ASSERT_LE(error, bound) << m << " " << n << " depth " << s.depth;
      }
  }
  std::printf("%llu outputs, worst %.3f of the bound\n", static_cast<unsigned long long>(visited), worst);
}

}  // namespace fewbits_test

#if defined(__FAST_MATH__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
