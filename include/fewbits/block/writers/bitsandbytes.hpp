// What bitsandbytes makes of an nf4 block. Source: bitsandbytes 0.50.2, backends/default/ops.py, quantize_4bit, as run
// on the CPU; in words: tests/golden/BLOCKS.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>
#include <fewbits/number/codebook.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The scale is amax; an element is x times the rounded 1 / max(amax, 1e-38), clamped to [-1, 1], and its code the
/// number of float32 midpoints below it, so that a tie goes down. Inf and NaN poison the block.
struct bitsandbytes_nf4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    return stepwise(amax).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    constexpr auto middles = midpoints<typename Format::element_type>();
    constexpr stepwise least(1e-38f);
    const stepwise amax(parameters.scale);
    const stepwise y = clamped_to(stepwise(x) * (stepwise(1.0f) / (amax < least ? least : amax)), stepwise(1.0f));
    std::size_t below = 0;
    while (below < middles.size() && middles[below] < y)
      ++below;
    return static_cast<std::uint8_t>(below);
  }

 private:
  template <few_bit_number Element>
  static constexpr std::array<stepwise, 15> midpoints() noexcept {
    static_assert(is_codebook<Element> && Element::format.bits() == 4, "bitsandbytes' rule is for nf4");
    std::array<stepwise, 15> found{};
    for (std::uint64_t c = 0; c < found.size(); ++c)
      found[c] =
          (stepwise(unpack_code<Element::format>(c)) + stepwise(unpack_code<Element::format>(c + 1))) / stepwise(2.0f);
    return found;
  }
};
inline constexpr bitsandbytes_nf4_t bitsandbytes_nf4{};

FEWBITS_NAMESPACE_END
