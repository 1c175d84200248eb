// The mean magnitude as a scale: for elements of one or two bits. Source: BitNet b1.58, arXiv 2402.17764, section 2;
// XNOR-Net, arXiv 1603.05279, section 3.1, shows that it is the optimum for signs.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/block/scale.hpp>

FEWBITS_NAMESPACE_BEGIN

/// mean |x| of the finite values, one rounding of the exact sum over their number. At least the scale type's smallest
/// positive number. Blocks of fewer than 2^32 values.
struct mean_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    constexpr float_format source = source_format<T>();
    exact_sum sum;
    std::uint64_t count = 0;
    for (std::size_t r = 0; r < values.rows(); ++r)
      for (std::size_t c = 0; c < values.columns(); ++c) {
        const std::uint64_t magnitude = values.code(r, c) & source.magnitude_mask();
        if (magnitude <= source.max_code()) {
          sum.add(unpack_code<source>(magnitude));
          ++count;
        }
      }
    // exact_quotient divides by 32 significant bits, the quotient of 64 by them rounds as the exact one does.
    const std::uint64_t divisor = count < 0xffffffffu ? count : 0xffffffffu;
    return {nonzero_number<typename Format::scale_type>(
        exact_quotient(sum.value(), make_unpacked(false, divisor != 0 ? divisor : 1, 0)))};
  }
};
inline constexpr mean_scale_t mean_scale{};

FEWBITS_NAMESPACE_END
