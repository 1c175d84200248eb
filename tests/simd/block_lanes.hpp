// Quantising and decoding by every instruction set against the constexpr reference (scalar code in force), on values
// that sit where lanes could go wrong: beside the boundaries of the very scales that the reference has chosen.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>

#include "simd/isas.hpp"
#include "support/planted.hpp"

namespace fewbits_test {

namespace fb = fewbits;

/// Values for whole matrices, the boundary cases of float32 among them.
class lane_values {
 public:
  explicit lane_values(std::uint64_t seed) : random_(seed) {}

  std::uint64_t draw() { return random_(); }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  float from_bits(std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }

  /// About 2^exponent, with 24 random digits.
  float about(int exponent) {
    const auto field = static_cast<std::uint64_t>(std::clamp(exponent + 127, 0, 254));
    return from_bits((draw() & 0x807fffff) | field << 23);
  }
  float special() {
    constexpr std::uint32_t bits[] = {0,          0x80000000, 1,          0x80000001, 0x7fffff,   0x807fffff,
                                      0x800000,   0x80800000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff,
                                      0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001};
    return from_bits(bits[below(std::size(bits))]);
  }
  /// 2^k and its neighbours.
  float power() {
    const std::uint64_t bits = below(255) << 23;
    return from_bits((bits + below(3) - (bits != 0 ? 1 : 0)) | (draw() & 0x80000000));
  }

  std::vector<float> matrix(std::size_t count, int kind, std::size_t block) {
    std::vector<float> made(count);
    int scale = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i % block == 0)
        scale = kind == 1 ? static_cast<int>(below(290)) - 150 : static_cast<int>(below(12)) - 6;
      switch (kind) {
        case 0:
        case 1: made[i] = about(scale - static_cast<int>(below(6))); break;  // ordinary; everywhere
        case 2: made[i] = power(); break;
        case 3: made[i] = below(24) == 0 ? special() : about(scale); break;
        case 4: made[i] = below(block) == 0 ? about(60) : about(-80); break;  // one huge among tiny ones
        case 5: made[i] = below(3) == 0 ? 0.0f : from_bits(draw() & 0x80000000); break;
        case 6: made[i] = from_bits(draw() & 0x807fffff); break;  // subnormal
        default: made[i] = static_cast<float>(static_cast<int>(below(33)) - 16) / 2; break;
      }
    }
    return made;
  }
  static constexpr int kinds = 8;

 private:
  std::mt19937_64 random_;
};

template <class T>
std::uint64_t bits_of_number(const T& x) {
  if constexpr (fb::few_bit_number<T> || fb::native_floating_point<T>)
    return fb::source_code(x);
  else
    return 0;
}

/// All streams, as bytes and bits.
template <class Format>
std::vector<std::uint64_t> streams_of(const fb::quantized_matrix<Format>& q) {
  std::vector<std::uint64_t> all;
  for (const std::byte b : q.codes())
    all.push_back(static_cast<std::uint64_t>(b));
  for (std::size_t i = 0; i < q.scales().size(); ++i)
    all.push_back(bits_of_number(q.scales()[i]));
  if constexpr (!std::is_same_v<typename Format::zero_type, fb::no_zero_point>)
    for (std::size_t i = 0; i < q.zeros().size(); ++i)
      all.push_back(bits_of_number(q.zeros()[i]));
  all.push_back(bits_of_number(q.tensor_scale()));
  return all;
}

/// The values of a matrix with some of them, but never a block's largest, moved beside boundaries between codes under
/// the scales that the reference gave it. Most: every lane has to be right; few: each must be noticed among others.
enum class moved_values { most, few };
template <class Format>
std::vector<float> beside_boundaries(const std::vector<float>& values, const fb::quantized_matrix<Format>& q,
                                     moved_values how_many, lane_values& random) {
  std::vector<float> moved = values;
  const auto view = q.view();
  const auto& layout = q.layout();
  for (std::size_t i = 0; i < layout.block_rows(); ++i)
    for (std::size_t j = 0; j < layout.block_columns(); ++j) {
      const fb::block_map map = view.map_of_block(i, j);
      const auto position = [&](std::size_t r, std::size_t c) {
        return (layout.first_row(i) + r) * layout.columns() + layout.first_column(j) + c;
      };
      float amax = 0;
      for (std::size_t r = 0; r < layout.rows_in_block(i); ++r)
        for (std::size_t c = 0; c < layout.columns_in_block(j); ++c) {
          const float x = values[position(r, c)];
          amax = (x < 0 ? -x : x) > amax ? (x < 0 ? -x : x) : amax;
        }
      for (std::size_t r = 0; r < layout.rows_in_block(i); ++r)
        for (std::size_t c = 0; c < layout.columns_in_block(j); ++c) {
          const float old = values[position(r, c)];
          const bool stays = how_many == moved_values::most ? random.below(8) == 0 : random.below(60) != 0;
          if (old == amax || -old == amax || stays)
            continue;
          const auto code = static_cast<std::uint8_t>(random.below(1u << Format::element_bits));
          const auto next = static_cast<std::uint8_t>((code + 1) & ((1u << Format::element_bits) - 1));
          const double a = static_cast<double>(fb::decode_element<Format>(code, map));
          const double b = static_cast<double>(fb::decode_element<Format>(next, map));
          const auto target = static_cast<float>((a + b) / 2);
          const auto bits = std::bit_cast<std::uint32_t>(target) + static_cast<std::uint32_t>(random.below(17)) - 8;
          const float near = std::bit_cast<float>(bits);
          if (near <= amax && near >= -amax)
            moved[position(r, c)] = near;
        }
    }
  return moved;
}

struct lane_counts {
  std::uint64_t values = 0, blocks = 0;
};

/// Quantises a view by the reference and by each instruction set; then decodes both ways.
template <class Format, class T, class... Policies>
void expect_same_blocks(const fb::matrix_view<const T>& view, lane_counts& counts, std::string_view what,
                        const Policies&... policies) {
  const auto by_reference = [&] {
    const fb::isa_guard guard(fb::isa::scalar);
    return fb::quantize<Format>(view, policies...);
  }();
  ASSERT_TRUE(by_reference);
  auto expected = streams_of(*by_reference);
  if (planted())
    expected[0] ^= 1;
  std::vector<float> decoded(view.rows() * view.columns()), seen(decoded.size());
  {
    const fb::isa_guard guard(fb::isa::scalar);
    ASSERT_TRUE(fb::dequantize(*by_reference, fb::matrix_view<float>(decoded.data(), view.rows(), view.columns())));
  }
  on_every_isa([&](fb::isa which) {
    const auto made = fb::quantize<Format>(view, policies...);
    ASSERT_TRUE(made);
    const auto got = streams_of(*made);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t k = 0; k < got.size(); ++k)
      if (got[k] != expected[k]) {
        ADD_FAILURE() << what << " " << fb::name_of(which) << " " << view.rows() << " x " << view.columns()
                      << ": stream place " << k << " is " << std::hex << got[k] << ", expected " << expected[k];
        const std::size_t row_bytes = made->layout().row_code_bytes();
        if (k < made->codes().size())
          for (std::size_t c = 0; c < view.columns() && c < 4096; ++c)
            if (made->view().row_codes(k / row_bytes)[c] != by_reference->view().row_codes(k / row_bytes)[c]) {
              ADD_FAILURE() << "row " << k / row_bytes << " column " << c << " value " << std::hex
                            << bits_of_number(view(k / row_bytes, c));
              break;
            }
        return;
      }
    ASSERT_TRUE(fb::dequantize(*by_reference, fb::matrix_view<float>(seen.data(), view.rows(), view.columns())));
    for (std::size_t k = 0; k < seen.size(); ++k)
      if (std::bit_cast<std::uint32_t>(seen[k]) != std::bit_cast<std::uint32_t>(decoded[k])) {
        ADD_FAILURE() << what << " " << fb::name_of(which) << " decodes value " << k << " to " << std::hex
                      << std::bit_cast<std::uint32_t>(seen[k]) << ", expected "
                      << std::bit_cast<std::uint32_t>(decoded[k]);
        return;
      }
  });
  counts.values += decoded.size();
  counts.blocks += by_reference->layout().blocks();
}

/// Every kind of value in every shape, and then beside the boundaries; contiguous, strided, transposed.
template <class Format, class... Policies>
void expect_lanes_are_reference(std::string_view what, const Policies&... policies) {
  lane_counts counts;
  constexpr std::uint64_t seed = 20261121;
  lane_values random(seed);
  constexpr std::size_t block = Format::shape.columns == fb::whole ? 64 : Format::shape.columns;
  struct extent {
    std::size_t rows, columns;
  };
  std::vector<extent> shapes{{1, 1}, {3, 7}, {2, 16}, {1, 2 * block}, {2, block + 5}, {9, 3 * block + 17}};
  if (block <= 64)
    for (std::size_t tail = 0; tail < 2 * block; tail += 3)
      shapes.push_back({1, tail + 1});
  for (int round = 0; round < 6; ++round)
    shapes.push_back({4, 5 * block});
  // Sixteen blocks are planned at once, and what is left of a row.
  shapes.insert(shapes.end(), {{2, 16 * block}, {3, 35 * block + 5}, {2, 31 * block}});
  for (const extent& shape : shapes)
    for (int kind = 0; kind < lane_values::kinds; ++kind) {
      const auto values = random.matrix(shape.rows * shape.columns, kind, block);
      const fb::matrix_view<const float> view(values.data(), shape.rows, shape.columns);
      expect_same_blocks<Format>(view, counts, what, policies...);
      const auto q = [&] {
        const fb::isa_guard guard(fb::isa::scalar);
        return fb::quantize<Format>(view, policies...);
      }();
      for (const moved_values how_many : {moved_values::most, moved_values::few}) {
        const auto moved = beside_boundaries(values, *q, how_many, random);
        expect_same_blocks<Format>(fb::matrix_view<const float>(moved.data(), shape.rows, shape.columns), counts, what,
                                   policies...);
      }
      if (::testing::Test::HasFailure())
        return;
    }
  // Strides, and rows at every byte offset that a float may have.
  const auto values = random.matrix(40 * 200, 0, block);
  expect_same_blocks<Format>(fb::matrix_view<const float>(values.data() + 1, 19, 90, 199), counts, what, policies...);
  expect_same_blocks<Format>(fb::matrix_view<const float>(values.data(), 5, 60, 400, 3), counts, what, policies...);
  expect_same_blocks<Format>(fb::matrix_view<const float>(values.data(), 40, 100).transposed(), counts, what,
                             policies...);
  std::printf("%.*s: %llu values, %llu blocks, seed %llu\n", static_cast<int>(what.size()), what.data(),
              static_cast<unsigned long long>(counts.values), static_cast<unsigned long long>(counts.blocks),
              static_cast<unsigned long long>(seed));
}

/// All codes under all scales of up to 8 bits, or under scales of every exponent, decoded by every instruction set.
template <class Format>
void expect_all_codes_decode(std::string_view what, float tensor_scale = 1.0f) {
  using scale_type = typename Format::scale_type;
  lane_values random(7);
  constexpr std::size_t width = Format::shape.columns == fb::whole ? 64 : Format::shape.columns;
  constexpr std::size_t alphabet = std::size_t{1} << Format::element_bits;
  constexpr std::size_t columns = (alphabet + width - 1) / width * width;
  std::vector<scale_type> scales;
  if constexpr (fb::few_bit_number<scale_type>) {
    const std::uint64_t step = scale_type::format.bits() <= 8 ? 1 : 37;
    for (std::uint64_t code = 0; code <= scale_type::format.code_mask(); code += step)
      scales.push_back(scale_type::from_bits(static_cast<typename scale_type::bits_type>(code)));
  } else {
    for (std::uint64_t field = 0; field < 512; ++field)
      for (const std::uint64_t mantissa : {std::uint64_t{0}, std::uint64_t{1}, random.below(1u << 23)})
        scales.push_back(random.from_bits(field << 23 | mantissa));
  }
  const std::size_t rows = scales.size() * (Format::shape.rows == fb::whole ? 1 : Format::shape.rows);
  auto q = fb::quantized_matrix<Format>::create(rows, columns);
  ASSERT_TRUE(q);
  const auto streams = q->streams();
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      fb::packed_codes_out<Format>(streams.codes.data() + r * q->layout().row_code_bytes(), columns)
          .set(c, static_cast<unsigned>((c + r) % alphabet));
  const std::size_t across = q->layout().block_columns();
  for (std::size_t k = 0; k < q->layout().blocks(); ++k) {
    fb::store_parameter(streams.scales, k, scales[(k / across) % scales.size()]);
    if constexpr (!std::is_same_v<typename Format::zero_type, fb::no_zero_point>) {
      using zero_type = typename Format::zero_type;
      if constexpr (fb::few_bit_number<zero_type>)
        fb::store_parameter(streams.zeros, k,
                            zero_type::from_bits(static_cast<typename zero_type::bits_type>(random.draw())));
      else
        fb::store_parameter(
            streams.zeros, k,
            static_cast<zero_type>(k % 5 == 0 ? random.special() : random.about(static_cast<int>(k % 40))));
    }
  }
  if constexpr (Format::has_super_scale)
    for (std::size_t k = 0; k < q->layout().super_blocks(); ++k) {
      auto& super = streams.supers[k];
      super.scale = decltype(super.scale)(k % 9 == 0 ? random.special() : random.about(static_cast<int>(k % 10) - 5));
      if constexpr (Format::has_super_minimum)
        super.minimum = decltype(super.minimum)(k % 7 == 0 ? random.special() : random.about(static_cast<int>(k % 10)));
    }
  if constexpr (Format::has_tensor_scale || Format::has_tensor_offset)
    streams.tensor_scale = tensor_scale;
  std::vector<float> expected(rows * columns), seen(rows * columns + 1);
  {
    const fb::isa_guard guard(fb::isa::scalar);
    ASSERT_TRUE(fb::dequantize(*q, fb::matrix_view<float>(expected.data(), rows, columns)));
  }
  if (planted())
    expected[0] = 77;
  on_every_isa([&](fb::isa which) {
    for (const std::size_t offset : {std::size_t{0}, std::size_t{1}}) {
      ASSERT_TRUE(fb::dequantize(*q, fb::matrix_view<float>(seen.data() + offset, rows, columns)));
      for (std::size_t k = 0; k < expected.size(); ++k)
        if (std::bit_cast<std::uint32_t>(seen[k + offset]) != std::bit_cast<std::uint32_t>(expected[k])) {
          ADD_FAILURE() << what << " " << fb::name_of(which) << " row " << k / columns << " column " << k % columns
                        << std::hex << ": " << std::bit_cast<std::uint32_t>(seen[k + offset]) << ", expected "
                        << std::bit_cast<std::uint32_t>(expected[k]);
          return;
        }
    }
  });
  std::printf("%.*s: %zu codes decoded under %zu scales\n", static_cast<int>(what.size()), what.data(), expected.size(),
              scales.size());
}

}  // namespace fewbits_test
