// Blocks by exact rational arithmetic, written from the standards and never from the library: what scale and which
// codes a block must get. Sources: OCP MX 1.0, sections 5 and 6.3; NVFP4 as in docs/block/nvfp4.md.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oracle/exact.hpp"

namespace oracle {

inline bool is_finite_float(float x) { return (std::bit_cast<std::uint32_t>(x) & 0x7fffffffu) < 0x7f800000u; }
inline bool has_sign(float x) { return std::bit_cast<std::uint32_t>(x) >> 31 != 0; }
inline exact magnitude_of(float x) { return from(x).value.absolute(); }

/// The bits of the largest finite float at or below a magnitude.
inline std::uint32_t float_bits_at_or_below(const exact& magnitude) {
  std::uint32_t low = 0;
  std::uint32_t high = 0x7f800000u;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (magnitude_of(std::bit_cast<float>(middle)).compare_magnitude(magnitude) <= 0 ? low : high) = middle;
  }
  return low;
}

/// The magnitudes of e2m1, codes 0 to 7, in halves.
inline exact e2m1_magnitude(unsigned code) {
  constexpr std::int64_t halves[] = {0, 1, 2, 3, 4, 6, 8, 12};
  return exact::integer(halves[code & 7]).scaled(-1);
}

/// ue8m0: 2^(code - 127); code 255 is NaN.
inline exact ue8m0_value(unsigned code) { return exact::power_of_two(static_cast<int>(code) - 127); }

/// ue4m3: field 0 is m x 2^-9, field e is (8 + m) x 2^(e - 10); code 127 is NaN.
inline exact ue4m3_value(unsigned code) {
  const auto mantissa = static_cast<std::int64_t>(code & 7);
  const int field = static_cast<int>(code >> 3);
  return field == 0 ? exact::integer(mantissa).scaled(-9) : exact::integer(8 + mantissa).scaled(field - 10);
}

/// The e2m1 code of x in units of `unit`: nearest, ties to the even code, clamped at 6; the sign stays.
inline unsigned e2m1_code(float x, const exact& unit) {
  const exact magnitude = magnitude_of(x);
  unsigned code = 0;
  while (code < 7) {
    const exact twice_midpoint = (e2m1_magnitude(code) + e2m1_magnitude(code + 1)) * unit;
    const auto order = magnitude.scaled(1).compare_magnitude(twice_midpoint);
    if (order < 0 || (order == 0 && code % 2 == 0))
      break;
    ++code;
  }
  return code | (has_sign(x) ? 8u : 0u);
}

/// Does x, in units of `unit`, round past 6? The next magnitude would be 8; the tie at 7 goes there.
inline bool e2m1_saturates(float x, const exact& unit) {
  return magnitude_of(x).compare_magnitude(exact::integer(7) * unit) >= 0;
}

struct expected_block {
  unsigned scale = 0;
  std::vector<unsigned> codes;
};

inline std::optional<exact> largest_magnitude(std::span<const float> values) {
  exact amax{};
  for (const float x : values) {
    if (!is_finite_float(x))
      return std::nullopt;
    if (magnitude_of(x).compare_magnitude(amax) > 0)
      amax = magnitude_of(x);
  }
  return amax;
}

/// mxfp4: 2^(floor(log2 amax) - 2), clamped to ue8m0; a zero block has 2^-127; Inf or NaN poison it.
inline unsigned mxfp4_floor_scale(const exact& amax) {
  if (amax.is_zero())
    return 0;
  const int floor_log2 = amax.magnitude().bit_length() + amax.exponent() - 1;
  const int code = floor_log2 - 2 + 127;
  return static_cast<unsigned>(code < 0 ? 0 : code > 254 ? 254 : code);
}

inline expected_block mxfp4_block(std::span<const float> values) {
  expected_block made{0, std::vector<unsigned>(values.size())};
  const auto amax = largest_magnitude(values);
  if (!amax) {
    made.scale = 255;
    return made;
  }
  made.scale = mxfp4_floor_scale(*amax);
  for (std::size_t i = 0; i < values.size(); ++i)
    made.codes[i] = e2m1_code(values[i], ue8m0_value(made.scale));
  return made;
}

/// The ue4m3 nearest to amax / (6 g), ties to even, clamped to [2^-9, 448]; amax above 0.
inline unsigned nvfp4_static_scale(const exact& amax, float g) {
  const exact divisor = exact::integer(6) * from(g).value;
  unsigned code = 0;
  while (code < 126) {
    const exact twice_midpoint = (ue4m3_value(code) + ue4m3_value(code + 1)) * divisor;
    const auto order = amax.scaled(1).compare_magnitude(twice_midpoint);
    if (order < 0 || (order == 0 && code % 2 == 0))
      break;
    ++code;
  }
  return code == 0 ? 1 : code;
}

inline expected_block nvfp4_block(std::span<const float> values, float g) {
  expected_block made{0, std::vector<unsigned>(values.size())};
  const auto amax = largest_magnitude(values);
  if (!amax) {
    made.scale = 127;
    return made;
  }
  made.scale = amax->is_zero() ? 0 : nvfp4_static_scale(*amax, g);
  const exact unit = ue4m3_value(made.scale) * from(g).value;
  for (std::size_t i = 0; i < values.size(); ++i)
    made.codes[i] = unit.is_zero() ? (has_sign(values[i]) ? 8u : 0u) : e2m1_code(values[i], unit);
  return made;
}

/// Is g the float32 nearest to amax / 2688, ties to even, and at least 2^-149? amax finite and above 0.
inline bool is_static_tensor_scale(float g, float amax) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(g);
  if (bits == 0 || bits >= 0x7f800000u)
    return false;
  const auto twice_midpoint = [&](std::uint32_t low) {
    return (from(std::bit_cast<float>(low)).value + from(std::bit_cast<float>(low + 1)).value) * exact::integer(2688);
  };
  const exact doubled = magnitude_of(amax).scaled(1);
  const auto below = bits == 1 ? std::strong_ordering::greater : doubled.compare_magnitude(twice_midpoint(bits - 1));
  const auto above = doubled.compare_magnitude(twice_midpoint(bits));
  return (below > 0 || (below == 0 && bits % 2 == 0)) && (above < 0 || (above == 0 && bits % 2 == 0));
}

}  // namespace oracle
