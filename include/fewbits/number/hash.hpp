// std::hash for every number type, consistent with ==: -0 and +0 hash alike. Opt-in: <functional> is not light.
#pragma once

#include <cstddef>
#include <functional>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/minifloat.hpp>

namespace std {

template <fewbits::float_format Format>
struct hash<fewbits::minifloat<Format>> {
  [[nodiscard]] std::size_t operator()(fewbits::minifloat<Format> number) const noexcept {
    const bool is_zero =
        Format.has_zero() && (number.bits() & Format.magnitude_mask()) == 0 && !Format.is_nan(number.bits());
    return std::hash<unsigned>{}(is_zero ? 0U : static_cast<unsigned>(number.bits()));
  }
};

template <fewbits::fixed_format Format>
struct hash<fewbits::fixed_point<Format>> {
  [[nodiscard]] std::size_t operator()(fewbits::fixed_point<Format> number) const noexcept {
    return std::hash<unsigned>{}(static_cast<unsigned>(number.bits()));
  }
};

template <fewbits::codebook_format Format>
struct hash<fewbits::codebook<Format>> {
  [[nodiscard]] std::size_t operator()(fewbits::codebook<Format> number) const noexcept {
    unsigned first = 0;  // equal entries are equal numbers
    while (Format.entries[first] != Format.entries[number.bits()])
      ++first;
    return std::hash<unsigned>{}(first);
  }
};

}  // namespace std
