// Encoding without a division: where an element's code changes, as codes of the source type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

template <few_bit_number Element>
constexpr bool has_negative_zero() noexcept {
  if constexpr (is_minifloat<Element>)
    return Element::format.has_negative_zero();
  else
    return false;
}

/// For a few magnitudes counting boundaries is faster than dividing.
template <few_bit_number Element>
constexpr bool has_few_magnitudes() noexcept {
  if constexpr (has_negative_zero<Element>())
    return Element::format.max_code() < 16;
  else
    return false;
}

/// Where an element's code changes, as codes of the source type: a division-free encode_element. The boundary between
/// the magnitudes c and c + 1 is unit x midpoint, exact in 64 bits; what is kept is the smallest source code that goes
/// to c + 1. Comparing it with a value's code decides exactly, ties included.
template <few_bit_number Element, block_source T>
class element_boundaries {
  static_assert(is_minifloat<Element>, "boundaries are for floating-point elements");
  static constexpr float_format element = Element::format;
  static constexpr float_format source = source_format<T>();

 public:
  static constexpr std::size_t count = static_cast<std::size_t>(element.max_code());

  /// Precondition: the unit is finite and not 0.
  FEWBITS_OF_THIS_UNIT constexpr explicit element_boundaries(const unpacked_number& unit_of_block) noexcept
      : flipped_(unit_of_block.negative) {
    for (std::size_t c = 0; c < count; ++c) {
      unpacked_number boundary = exact::multiply(unit_of_block, midpoints[c]);
      boundary.negative = false;
      // A tie goes to the even code: up to c + 1 where c is odd. The source's codes are taken to go on past its
      // largest, so a boundary out there is above every value.
      const std::uint64_t first = (c & 1) != 0 ? round_to_unbounded_code<source>(boundary, upward)
                                               : round_to_unbounded_code<source>(boundary, toward_zero) + 1;
      first_[c] = static_cast<source_bits<T>>(first);
    }
  }

  /// The element code for a finite source code. The sign stays, that of zero too.
  [[nodiscard]] constexpr std::uint8_t encode(source_bits<T> code) const noexcept {
    const auto magnitude = static_cast<source_bits<T>>(code & source.magnitude_mask());
    source_bits<T> passed = 0;
    for (std::size_t c = 0; c < count; ++c)
      passed = static_cast<source_bits<T>>(passed + (magnitude >= first_[c] ? 1 : 0));
    return static_cast<std::uint8_t>(passed | (source.is_negative(code) != flipped_ ? element.sign_mask() : 0));
  }

 private:
  // (value of c + value of c + 1) / 2
  static constexpr std::array<unpacked_number, count> find_midpoints() noexcept {
    std::array<unpacked_number, count> between{};
    for (std::size_t c = 0; c < count; ++c) {
      between[c] = exact::add(unpack_code<element>(c), unpack_code<element>(c + 1));
      between[c].exponent -= 1;
    }
    return between;
  }
  static constexpr std::array<unpacked_number, count> midpoints = find_midpoints();

  std::array<source_bits<T>, count> first_{};
  bool flipped_;
};

FEWBITS_NAMESPACE_END
