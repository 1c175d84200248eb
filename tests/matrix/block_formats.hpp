// Formats of a user's own that the named ones leave out: blocks down and across, packed scales, super-blocks with
// minimums or a tensor offset; and a small rule for the nested ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fewbits/block.hpp>

namespace fewbits_test {

/// Scales of a super-block from the ranges of its blocks. Nothing is optimal here; everything is exact arithmetic, so
/// the answer depends on the values alone.
struct nested_rule {
  using policy_kind = fewbits::scale_kind;

  /// The offset: a quarter of the largest finite magnitude, to float32.
  template <fewbits::blocked Format, fewbits::block_source T>
  [[nodiscard]] constexpr float tensor_scale_of(const fewbits::block_values<T>& values) const noexcept {
    fewbits::unpacked_number amax = fewbits::unpack_code<fewbits::source_format<T>()>(values.largest_finite_code());
    amax.exponent -= 2;
    return fewbits::make_number<float>(amax);
  }

  template <fewbits::blocked Format, fewbits::block_source T>
  [[nodiscard]] constexpr fewbits::super_block_parameters<Format> super_parameters(
      const fewbits::block_values<T>& values, const typename Format::tensor_scale_type& tensor_scale) const noexcept {
    using fewbits::unpack;
    constexpr fewbits::float_format source = fewbits::source_format<T>();
    using element = typename Format::element_type;
    using scale_type = typename Format::scale_type;
    fewbits::super_block_parameters<Format> made{};
    const fewbits::unpacked_number amax = fewbits::unpack_code<source>(values.largest_finite_code());
    constexpr auto reach = fewbits::exact::multiply(fewbits::largest<scale_type>, fewbits::largest<element>);
    made.super.scale = fewbits::nonzero_number<decltype(made.super.scale)>(fewbits::exact_quotient(amax, reach));
    if constexpr (Format::has_minimum)
      made.super.minimum = fewbits::nonzero_number<decltype(made.super.minimum)>(
          fewbits::exact_quotient(amax, fewbits::largest<typename Format::zero_type>));
    const std::size_t width = Format::shape.columns;
    for (std::size_t b = 0; b * width < values.columns(); ++b) {
      const auto part = values.columns_from(b * width, (std::min)(width, values.columns() - b * width));
      std::uint64_t above = 0;
      std::uint64_t below = 0;
      for (std::size_t c = 0; c < part.columns(); ++c) {
        const std::uint64_t code = part.code(0, c);
        const std::uint64_t magnitude = code & source.magnitude_mask();
        std::uint64_t& side = source.is_negative(code) ? below : above;
        side = magnitude <= source.max_code() ? (std::max)(side, magnitude) : side;
      }
      const auto depth = fewbits::unpack_code<source>(below);
      auto wanted = fewbits::unpack_code<source>((std::max)(above, below));
      if constexpr (Format::has_minimum) {
        wanted = fewbits::exact::add(fewbits::unpack_code<source>(above), depth);
        made.blocks[b].zero = fewbits::make_number<typename Format::zero_type>(
            fewbits::exact_quotient(depth, unpack(made.super.minimum)));
      }
      wanted = fewbits::exact_quotient(wanted, fewbits::largest<element>);
      if constexpr (Format::has_tensor_offset)
        wanted = fewbits::exact::subtract(wanted, unpack(tensor_scale));
      made.blocks[b].scale =
          fewbits::make_number<scale_type>(fewbits::exact_quotient(wanted, unpack(made.super.scale)));
    }
    return made;
  }
};

using uint3 = fewbits::fixed_point<fewbits::fixed_format{.total_bits = 3, .is_signed = false}>;
using ue4m2 = fewbits::minifloat<fewbits::unsigned_format(4, 2)>;  // 6 bits, NaN at the top
using fewbits::block_shape;

// Blocks of two dimensions, and along the rows.
struct square_fp4 : fewbits::scaled_format<fewbits::e2m1, block_shape{16, 16}, fewbits::ue4m3> {};
struct mx_columns : fewbits::block_format<fewbits::e2m1, fewbits::ue8m0, block_shape{32, 1}, fewbits::floor_scale_t> {};
struct mx_rows : fewbits::mx_format<fewbits::e2m1> {};
struct oblong_fp6 : fewbits::block_format<fewbits::e3m2, fewbits::fp16, block_shape{4, 8}, fewbits::amax_scale_t,
                                          fewbits::with_order<fewbits::bit_order::high_first>> {};
struct oblong_uint3 : fewbits::block_format<uint3, fewbits::bf16, block_shape{3, 8}, fewbits::min_max_scale_t,
                                            fewbits::with_zero_point<uint3>> {};
struct per_column_int8 : fewbits::scaled_format<fewbits::int8, fewbits::per_column> {};
struct uint4_tensor : fewbits::block_format<fewbits::uint4, float, fewbits::per_tensor, fewbits::min_max_scale_t,
                                            fewbits::with_zero_point<fewbits::uint4>> {};
// A zero point with a sign, as its elements have.
struct signed_zero : fewbits::block_format<fewbits::int4, fewbits::bf16, 32, fewbits::min_max_scale_t,
                                           fewbits::with_zero_point<fewbits::int4>> {};
// Scales of six bits, packed.
struct narrow_scales : fewbits::block_format<fewbits::e2m1, ue4m2, 16, fewbits::amax_scale_t> {};
// Super-blocks: of the 4.5-bit kind; of bitsandbytes' kind; three-bit integers the other way round.
struct nested_uint4
    : fewbits::block_format<fewbits::uint4, fewbits::uint6, 32, nested_rule, fewbits::with_minimum<fewbits::uint6>,
                            fewbits::in_super_blocks<8, fewbits::fp16, fewbits::fp16>> {};
struct nested_nf4 : fewbits::block_format<fewbits::nf4, fewbits::int8, 16, nested_rule,
                                          fewbits::in_super_blocks<4, float>, fewbits::with_tensor_offset> {};
struct nested_int3 : fewbits::block_format<fewbits::fixed_point<fewbits::fixed_format{.total_bits = 3}>, fewbits::uint6,
                                           8, nested_rule, fewbits::in_super_blocks<3, fewbits::bf16>,
                                           fewbits::with_order<fewbits::bit_order::high_first>> {};
// nvfp4's two levels over squares.
struct square_nvfp4 : fewbits::block_format<fewbits::e2m1, fewbits::ue4m3, block_shape{16, 16},
                                            fewbits::static_two_level_t, fewbits::with_tensor_scale<float>> {};

}  // namespace fewbits_test
