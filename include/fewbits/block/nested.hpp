// Scales that are quantised themselves: blocks in super-blocks, with few-bit scales and minimums under real ones.
// Sources: ggml's k-quants (4.5 bits: 6-bit scales and minimums under two fp16 for 256 elements); double quantisation
// of nf4's scales: arXiv 2305.14314, section 3.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Each block's scale is chosen as if it were real: amax / largest element, or with minimums the range over all steps.
/// The super scale brings the largest of them to the largest scale code; each scale is then the nearest code, at least
/// 1 where the block is not all 0. Minimums likewise. One rounding of exact quotients at each step.
///
/// With a tensor offset, the offset is the mean of all blocks' scales, and codes hold what differs from it. Matrices of
/// fewer than 2^32 blocks.
struct nested_scale_t {
  using policy_kind = scale_kind;

  template <blocked Format, block_source T>
  requires(Format::has_tensor_offset)
      [[nodiscard]] constexpr float tensor_scale_of(const block_values<T>& values) const noexcept {
    exact_sum sum;
    std::uint64_t count = 0;
    for (std::size_t r = 0; r < values.rows(); ++r)
      for (std::size_t c = 0; c < values.columns(); c += Format::shape.columns) {
        const block_values<T> row(&values(r, 0), 1, values.columns(), 0, values.column_stride());
        const std::size_t left = values.columns() - c;
        const auto block = row.columns_from(c, left < Format::shape.columns ? left : Format::shape.columns);
        sum.add(unpack_code<source_format<T>()>(block.largest_finite_code()));
        ++count;
      }
    if (count == 0)
      return 0;
    // 64 bits and a sticky one of the first quotient: the second rounds as that of both divisors does.
    const unpacked_number mean = fine_quotient(sum.value(), make_unpacked(false, count, 0));
    return make_number<float>(exact_quotient(mean, largest<typename Format::element_type>));
  }

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr super_block_parameters<Format> super_parameters(
      const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    using scale_type = typename Format::scale_type;
    using super_scale_type = decltype(Format::super_type::scale);
    constexpr std::size_t count = Format::super_count;
    unpacked_number scales[count]{};  // or what they differ by from the tensor offset
    unpacked_number depths[count]{};  // -minimum
    unpacked_number largest_scale{};
    unpacked_number largest_depth{};
    for (std::size_t b = 0; b < count && b * Format::shape.columns < values.columns(); ++b) {
      const std::size_t first = b * Format::shape.columns;
      const std::size_t left = values.columns() - first;
      const value_range range =
          values.columns_from(first, left < Format::shape.columns ? left : Format::shape.columns).range();
      find_ideal<Format>(range, tensor, scales[b], depths[b]);
      largest_scale = larger_magnitude(largest_scale, scales[b]);
      largest_depth = larger_magnitude(largest_depth, depths[b]);
    }

    super_block_parameters<Format> found{};
    if (largest_scale.kind != number_class::zero)
      found.super.scale = nonzero_number<super_scale_type>(exact_quotient(largest_scale, largest<scale_type>));
    if constexpr (Format::has_minimum)
      found.super.minimum = make_number<decltype(Format::super_type::minimum)>(
          exact_quotient(largest_depth, largest<typename Format::zero_type>));
    for (std::size_t b = 0; b < count; ++b) {
      if (scales[b].kind == number_class::finite)
        found.blocks[b].scale = nearest_code<scale_type>(scales[b], unpack(found.super.scale));
      if constexpr (!Format::has_tensor_offset)
        if (scales[b].kind == number_class::finite && found.blocks[b].scale.bits() == 0)
          found.blocks[b].scale = scale_type::from_bits(1);
      if constexpr (Format::has_minimum)
        if (depths[b].kind == number_class::finite && unpack(found.super.minimum).kind == number_class::finite)
          found.blocks[b].zero = nearest_code<typename Format::zero_type>(depths[b], unpack(found.super.minimum));
    }
    return found;
  }

 private:
  template <blocked Format>
  static constexpr void find_ideal(const value_range& range,
                                   [[maybe_unused]] const typename Format::tensor_scale_type& tensor,
                                   unpacked_number& scale, unpacked_number& depth) noexcept {
    using element = typename Format::element_type;
    if constexpr (Format::has_minimum) {
      constexpr unpacked_number steps = exact::subtract(largest<element>, lowest<element>);
      scale = exact_quotient(exact::add(range.highest, range.depth), steps);
      depth = range.depth;
    } else {
      unpacked_number reach = larger_magnitude(range.highest, range.depth);
      if constexpr (Format::has_tensor_offset)  // subtracted first: the rest of a division would not survive it
        reach = exact::subtract(reach, exact_product(unpack(tensor), largest<element>));
      scale = exact_quotient(reach, largest<element>);
    }
  }
  static constexpr unpacked_number larger_magnitude(unpacked_number a, unpacked_number b) noexcept {
    a.negative = false;
    b.negative = false;
    return compare_values(a, b) < 0 ? b : a;
  }
  template <few_bit_number Code>
  static constexpr Code nearest_code(const unpacked_number& quantity, const unpacked_number& unit) noexcept {
    return make_number<Code>(exact_quotient(quantity, unit));
  }
};
inline constexpr nested_scale_t nested_scale{};

/// 4.5 bits: unsigned int4 in 8 blocks of 32 with 6-bit scales and minimums, and two fp16 for all 256. The layout of
/// values is Q4_K's; its bytes are an adapter's affair.
struct nested_uint4
    : block_format<uint4, uint6, 32, nested_scale_t, with_minimum<uint6>, in_super_blocks<8, fp16, fp16>> {};
/// 2.625 bits: 2-bit codes in 16 blocks of 16 with 4-bit scales and minimums (Q2_K's values).
struct nested_uint2
    : block_format<uint2, uint4, 16, nested_scale_t, with_minimum<uint4>, in_super_blocks<16, fp16, fp16>> {};
/// 4.127 bits: nf4 in blocks of 64 whose scales are 8-bit codes under a float32 for 256 of them and an offset for all.
struct nf4_double : block_format<nf4, int8, 64, nested_scale_t, in_super_blocks<256, float>, with_tensor_offset> {};

FEWBITS_NAMESPACE_END
